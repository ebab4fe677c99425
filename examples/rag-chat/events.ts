/** One server-sent event. */
export interface ServerEvent {
  readonly id?: string
  readonly event: string
  readonly data: string
}

/** Reads server-sent events as they arrive, wherever the pieces were cut. */
export async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true })
    // A CR at the end may be the first half of CRLF.
    const held = rest.endsWith('\r') ? '\r' : ''
    const text = rest.slice(0, rest.length - held.length).replace(/\r\n?/gu, '\n')
    const blocks = text.split('\n\n')
    rest = (blocks.pop() ?? '') + held
    for (const block of blocks) {
      const event = toEvent(block)
      if (event) yield event
    }
  }
  const final = toEvent(rest.replace(/\r\n?/gu, '\n'))
  if (final) yield final
}

function toEvent(block: string): ServerEvent | undefined {
  const lines = block.split('\n')
  const data = lines.filter((line) => line.startsWith('data:')).map(fieldValue)
  if (data.length === 0) return undefined
  const event = last(lines, 'event:')
  const id = last(lines, 'id:')
  return { ...(id !== undefined && { id }), event: event ?? 'message', data: data.join('\n') }
}

function last(lines: readonly string[], field: string): string | undefined {
  const found = lines.findLast((line) => line.startsWith(field))
  return found === undefined ? undefined : fieldValue(found)
}

function fieldValue(line: string): string {
  return line.slice(line.indexOf(':') + 1).replace(/^ /u, '')
}
