import type { ServerResponse } from 'node:http'
import { publish } from '../lib/telemetry.ts'
import type { Fields, HeadWatcher } from './exchange.ts'
import { type Lines, readHead } from './written-head.ts'

/** A head that is watched for. */
export interface HeadWatch {
  /** Tells of the head as it stands, where none has gone out yet. */
  tell(): void
}

/**
 * Tells of the head of a response once, before it goes out, or as it would have gone out. Cheaper than a capture, for who looks at
 * no body and changes nothing.
 */
export function watchHead(res: ServerResponse, watcher: HeadWatcher): HeadWatch {
  const { writeHead, end } = res
  const before = { writeHead, end }
  let told = res.headersSent

  function tell(status: number, lines: Lines): void {
    if (told) return
    told = true
    // Deleting it would make a dictionary of the response, for all who come after.
    for (const name of ['writeHead', 'end'] as const)
      if (res[name] === watched[name]) Object.assign(res, { [name]: before[name] })
    try {
      watcher.told(status, fieldsOf(res, watcher.fields, lines))
    } catch (error) {
      publish('error', () => ({ during: 'response head', error }))
    }
  }

  const watched = {
    writeHead(...args: unknown[]): ServerResponse {
      const head = readHead(args)
      if (head) tell(head.status, head.lines)
      return Reflect.apply(writeHead, res, args)
    },
    // Where the client has gone, no head is written.
    end(...args: unknown[]): ServerResponse {
      if (res.destroyed) tell(res.statusCode, [])
      return Reflect.apply(end, res, args)
    },
  }
  if (!told) Object.assign(res, watched)
  return { tell: () => tell(res.statusCode, []) }
}

/** The fields asked for; what is written with the head replaces what stood there. */
function fieldsOf(res: ServerResponse, names: readonly string[], lines: Lines): Fields {
  const fields: Fields = {}
  for (const name of names) {
    const written = lines.filter((line) => line[0].toLowerCase() === name)
    const values = written.length > 0 ? written.flatMap((line) => line[1]) : res.getHeader(name)
    if (values !== undefined) fields[name] = Array.isArray(values) ? values : String(values)
  }
  return fields
}
