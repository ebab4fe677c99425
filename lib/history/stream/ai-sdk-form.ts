import { chunkOf } from './chunk.ts'
import { folder } from './fold.ts'
import type { FormReader } from './form.ts'
import { type Fields, fieldsOf, plain } from './shape.ts'
import { usage } from './usage.ts'

type Part = Fields<
  | 'type'
  | 'id'
  | 'text'
  | 'delta'
  | 'toolCallId'
  | 'toolCall'
  | 'toolName'
  | 'input'
  | 'output'
  | 'error'
  | 'invalid'
  | 'providerExecuted'
  | 'sourceType'
  | 'file'
  | 'usage'
  | 'totalUsage'
  | 'finishReason'
  | 'dynamic'
>

/** Reads the AI SDK's streams: parts of `fullStream`, and chunks of `toUIMessageStream()`. */
export function aiSdkForm(): FormReader {
  const whole = folder()
  const used = usage()

  return {
    form: 'ai-sdk',
    take(piece, out) {
      const part: Part = fieldsOf(piece)
      if (silent.has(part.type)) return true
      const chunk = chunkOf({ ...part, ...translated(part) })
      if (chunk === undefined) return false
      if (part.type === 'finish' && part.totalUsage !== undefined) used.set(plain(part.totalUsage))
      else if (part.type === 'finish-step') used.add(plain(part.usage))
      whole.push(chunk)
      out.put(chunk)
      return true
    },
    end() {},
    reply() {
      const answer = whole.answer()
      return answer ? [{ ...answer }] : []
    },
    usage: used.total,
  }
}

const silent: ReadonlySet<unknown> = new Set(['tool-input-end', 'raw'])

/** What differs between a part of `fullStream` and the chunk it becomes. */
function translated(part: Part): object {
  const { type, dynamic } = part
  const known = typeof type === 'string' ? translations.get(type)?.(part) : undefined
  // A part says of every call whether its tool is dynamic, a chunk only where it is.
  return { ...known, dynamic: dynamic === true ? true : undefined }
}

// As `toUIMessageStream()` words it: what went wrong is not the client's to know.
const masked = 'An error occurred.'

const translations: ReadonlyMap<string, (part: Part) => object> = new Map([
  ['text-delta', ({ text, delta }: Part) => ({ delta: text ?? delta })],
  ['reasoning-delta', ({ text, delta }: Part) => ({ delta: text ?? delta })],
  ['tool-input-start', ({ id, toolCallId }: Part) => ({ toolCallId: toolCallId ?? id })],
  [
    'tool-input-delta',
    ({ id, delta }: Part) => (id === undefined ? {} : { toolCallId: id, inputTextDelta: delta }),
  ],
  [
    'tool-call',
    ({ invalid, input }: Part) => ({
      type: invalid === true ? 'tool-input-error' : 'tool-input-available',
      input: input ?? null,
      ...(invalid === true && { errorText: masked }),
    }),
  ],
  [
    'tool-result',
    ({ output }: Part) => ({ type: 'tool-output-available', output: output ?? null }),
  ],
  ['tool-error', toolError],
  [
    'tool-approval-request',
    ({ toolCall, toolCallId }: Part) => ({
      toolCallId: toolCallId ?? fieldsOf<'toolCallId'>(toolCall).toolCallId,
    }),
  ],
  ['source', ({ id, sourceType }: Part) => ({ type: `source-${sourceType}`, sourceId: id })],
  ['file', fileUrl],
  [
    'finish',
    ({ finishReason }: Part) => (finishReason === 'unknown' ? { finishReason: 'other' } : {}),
  ],
])

function toolError({ providerExecuted, error }: Part): object {
  const told = providerExecuted === true ? plain(error) : masked
  return {
    type: 'tool-output-error',
    errorText: typeof told === 'string' ? told : JSON.stringify(told),
  }
}

function fileUrl({ file }: Part): object {
  const { mediaType, base64 } = fieldsOf<'mediaType' | 'base64'>(file)
  return file === undefined ? {} : { mediaType, url: `data:${mediaType};base64,${base64}` }
}
