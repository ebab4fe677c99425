/** Reads server-sent events from a response's body; their data is JSON. */
export async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  try {
    for (;;) {
      const { done, value = '' } = await reader.read()
      const parts = (rest + value).split('\n\n')
      rest = parts.pop() ?? ''
      for (const part of parts) {
        const event = toEvent(part)
        if (event) yield event
      }
      if (done) return
    }
  } finally {
    reader.releaseLock()
  }
}

function toEvent(part) {
  const lines = part.split('\n')
  const data = lines.find((line) => line.startsWith('data: '))?.slice(6)
  const event = lines.find((line) => line.startsWith('event: '))?.slice(7)
  const id = lines.find((line) => line.startsWith('id: '))?.slice(4)
  return data === undefined ? undefined : { id, event, data: JSON.parse(data) }
}
