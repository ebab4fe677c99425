import type { IncomingMessage } from 'node:http'
import { RequestError } from '../lib/errors.ts'
import { isPlain } from '../lib/history/session-changes.ts'
import type { Exchange } from './exchange.ts'
import { hasBody } from './request-body.ts'

const largest = 256 * 1024

/**
 * The JSON object in the body of a request, by whatever parser ran before, or taken from the stream;
 * an empty one where there is no body.
 *
 * @throws RequestError 400 for what is no JSON object, 413 above 256 KiB, 415 for another type.
 */
export async function jsonBody<Native>(
  exchange: Exchange<Native>,
): Promise<Record<string, unknown>> {
  const { req } = exchange
  if (!hasBody(req)) return {}
  const type = req.headers['content-type'] ?? ''
  if (!/^\s*application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type))
    throw new RequestError(415, 'The body must be application/json')
  // What only looked at the body has left it in the stream.
  const given = exchange.parsedBody() ?? (await taken(req))
  const value = typeof given === 'string' || given instanceof Uint8Array ? parsed(given) : given
  if (!isPlain(value)) throw new RequestError(400, 'The body must be a JSON object')
  return value
}

function parsed(text: string | Uint8Array): unknown {
  const bytes = Buffer.from(text as string)
  if (bytes.length > largest) throw tooLarge()
  try {
    return JSON.parse(bytes.toString())
  } catch {
    // The cause would quote the body.
    throw new RequestError(400, 'The body is no JSON')
  }
}

/** Takes the body; of one that is too large the rest flows by unseen, so that the answer gets out. */
function taken(req: IncomingMessage): Promise<Buffer | undefined> {
  if (req.readableEnded || req.destroyed) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const gone = () => reject(new RequestError(400, 'The body broke off'))
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > largest) reject(tooLarge())
      else chunks.push(chunk)
    })
    req.once('end', () => resolve(Buffer.concat(chunks)))
    req.once('error', gone)
    req.once('close', gone)
  })
}

function tooLarge(): RequestError {
  return new RequestError(413, `The body must be at most ${largest} bytes`)
}
