import { type Chunk, type FinishReason, isChunk } from './chunk.ts'
import { parsed } from './shape.ts'

type Kind = 'text' | 'reasoning'

/** Where the reader of a form puts the chunks it has made; it opens and closes what they belong to. */
export interface Outlet {
  /** A chunk as it is. */
  put(chunk: Chunk): void
  /** Lets a text or reasoning grow, and begins it where it is not open; `key` is the form's name for it. */
  grow(kind: Kind, key: string, delta: string): void
  /** Ends a text or reasoning, or all that are open. */
  close(key?: string): void
  /** Begins the call of a tool. */
  call(toolCallId: string, toolName: string, inputEncoding?: 'text'): void
  /** Lets the input of a call grow. */
  input(toolCallId: string, delta: string): void
  /** The input of a call is whole: JSON, or with `text` any text. */
  called(toolCallId: string, toolName: string, input: string, inputEncoding?: 'text'): void
  /** Another message of the same answer begins. */
  step(): void
  /** Why the model stopped; it is said at the end. */
  finish(reason: FinishReason): void
  /** Ends everything. */
  end(): void
}

/** Makes an outlet that hands each chunk to `put`. */
export function outlet(put: (chunk: Chunk) => void): Outlet {
  const open = new Map<string, { readonly kind: Kind; readonly id: string }>()
  let begun = 0
  let finishReason: FinishReason | undefined

  function stretch(kind: Kind, key: string): string {
    const known = open.get(key)
    if (known) return known.id
    begun += 1
    const id = `${kind}-${begun}`
    open.set(key, { kind, id })
    put({ type: `${kind}-start`, id })
    return id
  }

  function close(key?: string): void {
    for (const [at, { kind, id }] of key === undefined ? open : entry(open, key)) {
      open.delete(at)
      put({ type: `${kind}-end`, id })
    }
  }

  return {
    put,
    close,
    grow(kind, key, delta) {
      if (delta !== '') put({ type: `${kind}-delta`, id: stretch(kind, key), delta })
    },
    call(toolCallId, toolName, inputEncoding) {
      put({
        type: 'tool-input-start',
        toolCallId,
        toolName,
        ...(inputEncoding && { inputEncoding }),
      })
    },
    input(toolCallId, inputTextDelta) {
      if (inputTextDelta !== '') put({ type: 'tool-input-delta', toolCallId, inputTextDelta })
    },
    called(toolCallId, toolName, text, inputEncoding) {
      // A model that has nothing to hand over often says nothing instead of `{}`.
      const input = inputEncoding ? text : parsed(text.trim() === '' ? '{}' : text)
      const named = { toolCallId, toolName }
      const whole = { type: 'tool-input-available', ...named, input } as const
      if (isChunk(whole)) put(whole)
      else {
        const errorText = input === undefined ? 'The input is not JSON' : 'The input is too deep'
        put({ type: 'tool-input-error', ...named, input: text, errorText })
      }
    },
    step() {
      close()
      put({ type: 'start-step' })
    },
    finish(reason) {
      finishReason = reason
    },
    end() {
      close()
      if (finishReason !== undefined) put({ type: 'finish', finishReason })
      finishReason = undefined
    },
  }
}

function entry<Value>(map: ReadonlyMap<string, Value>, key: string): [string, Value][] {
  const value = map.get(key)
  return value === undefined ? [] : [[key, value]]
}
