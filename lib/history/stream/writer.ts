import type { Chunk } from './chunk.ts'

/**
 * How an answer is sent. `sse`: events a browser's `EventSource` reads. `ui`: what the AI SDK's
 * `useChat` reads. `text`: nothing but text.
 */
export type StreamForm = 'sse' | 'ui' | 'text'

/** How an answer ended. `interrupted`: whoever answered is gone. */
export type EndStatus = 'complete' | 'aborted' | 'interrupted' | 'failed'

/** Writes one answer to one client. */
export interface StreamWriter {
  readonly headers: Readonly<Record<string, string>>
  /** What comes before the first piece. */
  head(info: { readonly messageId: string; readonly turn: string }): string
  /** A piece and its event id; empty where this form has no words for it. */
  piece(chunk: Chunk, id: string): string
  /** Keeps the connection alive without saying anything; empty where the form cannot. */
  comment(): string
  /** What comes after the last piece. */
  end(status: EndStatus, messageId: string): string
}

/** Makes a writer for one client: it remembers what it has said. */
export function streamWriter(form: StreamForm): StreamWriter {
  return writers[form]()
}

const writers: Readonly<Record<StreamForm, () => StreamWriter>> = {
  sse: sseWriter,
  ui: uiWriter,
  text: textWriter,
}

const unbuffered = { 'cache-control': 'private, no-store, no-transform', 'x-accel-buffering': 'no' }
const events = { 'content-type': 'text/event-stream; charset=utf-8', ...unbuffered }

function sseWriter(): StreamWriter {
  return {
    headers: events,
    head: ({ messageId, turn }) => event({ event: 'start', data: { message: messageId, turn } }),
    piece(chunk, id) {
      const said = withoutStart(chunk)
      if (said === undefined) return ''
      if (said.type === 'text-delta')
        return event({ id, event: 'delta', data: { text: said.delta } })
      return event({ id, event: eventName(said), data: said })
    },
    comment: () => ': \n\n',
    end: (status, messageId) => event({ event: 'done', data: { status, message: messageId } }),
  }
}

/** An event named `error` would reach the listener a browser has for lost connections. */
function eventName({ type }: Chunk): string {
  return type === 'error' ? 'failure' : type
}

function uiWriter(): StreamWriter {
  const said = new Set<string>()
  return {
    headers: { ...events, 'x-vercel-ai-ui-message-stream': 'v1' },
    head: ({ messageId }) => event({ data: { type: 'start', messageId } }),
    piece(chunk, id) {
      const next = withoutStart(chunk)
      if (next === undefined) return ''
      said.add(next.type)
      return event({ id, data: next })
    },
    comment: () => ': \n\n',
    end(status) {
      const last = said.has(lasts[status].type) ? '' : event({ data: lasts[status] })
      return `${last}data: [DONE]\n\n`
    },
  }
}

const lasts = {
  complete: { type: 'finish' },
  aborted: { type: 'abort' },
  interrupted: { type: 'error', errorText: 'The answer was interrupted.' },
  failed: { type: 'error', errorText: 'An error occurred.' },
} as const satisfies Record<EndStatus, Chunk>

/** The head has named the message already: of another `start` only what it tells of it is left. */
function withoutStart(chunk: Chunk): Chunk | undefined {
  if (chunk.type !== 'start') return chunk
  const { messageMetadata } = chunk
  return messageMetadata === undefined ? undefined : { type: 'message-metadata', messageMetadata }
}

function textWriter(): StreamWriter {
  // Half a surrogate pair has no form in UTF-8: it waits for its other half.
  let half = ''
  return {
    headers: { 'content-type': 'text/plain; charset=utf-8', ...unbuffered },
    head: () => '',
    piece(chunk) {
      if (chunk.type !== 'text-delta') return ''
      const text = half + chunk.delta
      half = /[\uD800-\uDBFF]$/.exec(text)?.[0] ?? ''
      return text.slice(0, text.length - half.length)
    },
    comment: () => '',
    end: () => half,
  }
}

/** One event. JSON has no line breaks of its own; in the other fields they end the field. */
function event(fields: {
  readonly id?: string
  readonly event?: string
  readonly data: unknown
}): string {
  const id = fields.id === undefined ? '' : `id: ${oneLine(fields.id)}\n`
  const name = fields.event === undefined ? '' : `event: ${oneLine(fields.event)}\n`
  return `${id}${name}data: ${JSON.stringify(fields.data)}\n\n`
}

function oneLine(text: string): string {
  return text.replace(/[\r\n\0]/g, '')
}
