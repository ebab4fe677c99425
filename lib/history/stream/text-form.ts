import type { FormReader } from './form.ts'

/** Reads plain text: strings, or bytes of UTF-8 that may be cut anywhere. */
export function textForm(): FormReader {
  const decoder = new TextDecoder()
  let content = ''
  return {
    form: 'text',
    take(piece, out) {
      const delta = piece instanceof Uint8Array ? decoder.decode(piece, { stream: true }) : piece
      if (typeof delta !== 'string') return false
      content += delta
      out.grow('text', 'text', delta)
      return true
    },
    end(out) {
      const rest = decoder.decode()
      content += rest
      out.grow('text', 'text', rest)
    },
    reply: () => (content === '' ? [] : [{ role: 'assistant', content }]),
    usage: () => undefined,
  }
}
