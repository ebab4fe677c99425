import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One event as a browser's `EventSource` would hand it out. */
export interface ServerEvent {
  readonly id: string
  readonly event: string
  readonly data: string
}

/** Reads events by the rules of the HTML standard, section 9.2.6; one without data is none. */
export function readEvents(text: string): ServerEvent[] {
  const blocks = text.split(/\r\n|\r|\n/).reduce<string[][]>(
    (all, line) => {
      if (line === '') all.push([])
      else all.at(-1)?.push(line)
      return all
    },
    [[]],
  )
  // What no empty line ends is no event yet.
  const read = blocks.slice(0, -1).map(fieldsIn)
  return read.flatMap(({ data, event }, at) => {
    const id = read.slice(0, at + 1).findLast((fields) => fields.id !== undefined)?.id ?? ''
    return data === undefined ? [] : [{ id, event: event ?? 'message', data }]
  })
}

function fieldsIn(lines: readonly string[]): Partial<ServerEvent> {
  const fields: { id?: string; event?: string; data?: string } = {}
  for (const line of lines) {
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/su.exec(line) ?? []
    if (field === 'data')
      fields.data = fields.data === undefined ? value : `${fields.data}\n${value}`
    else if (field === 'event' || (field === 'id' && !value.includes('\0'))) fields[field] = value
  }
  return fields
}

/** Answers each request with the next of these bodies, as a stream of events. */
export async function sseServer(
  ...bodies: string[]
): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'x-vercel-ai-ui-message-stream': 'v1',
    })
    response.end(bodies.shift() ?? '')
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

/** Events as a provider sends them; `named` also names each by its type, as Anthropic does. */
export function sseOf(pieces: readonly unknown[], how: 'plain' | 'named' = 'plain'): string {
  const lines = pieces.map((piece) => {
    const name = how === 'named' ? `event: ${(piece as { type: string }).type}\n` : ''
    return `${name}data: ${JSON.stringify(piece)}\n\n`
  })
  return `${lines.join('')}${how === 'plain' ? 'data: [DONE]\n\n' : ''}`
}
