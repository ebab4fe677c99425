import { type ChatCall, callAll, callIn, growCall, isWhole } from './chat-call.ts'
import type { FinishReason } from './chunk.ts'
import type { AnyAnswer, FormReader } from './form.ts'
import type { Outlet } from './outlet.ts'
import { combined, fieldsOf, listIn, plain, textIn } from './shape.ts'
import { usage } from './usage.ts'

interface Draft {
  readonly id: string
  readonly fields: Map<string, unknown>
  readonly calls: ChatCall[]
  /** `cut` where the provider itself broke off. */
  ended: 'no' | 'cut' | 'whole'
}

/** Reads chunks of OpenAI's chat completions, and those of the many servers that speak like it. */
export function chatForm(): FormReader {
  // Beside the messages of the model, results of tools an agent's loop has put between them.
  const said: (Draft | AnyAnswer)[] = []
  const used = usage()

  function draftOf(id: string, out: Outlet): Draft {
    const last = said.at(-1)
    // A new id alone is not enough: some servers give each chunk its own, or the first one none.
    if (isDraft(last) && (last.ended === 'no' || id === '' || id === last.id)) return last
    if (last) {
      out.step()
      used.next()
    }
    const draft: Draft = { id, fields: new Map(), calls: [], ended: 'no' }
    said.push(draft)
    return draft
  }

  function tool(piece: unknown, out: Outlet): boolean {
    const { role, tool_call_id: id, content } = fieldsOf<Result>(piece)
    if (role !== 'tool' || typeof id !== 'string') return false
    said.push({ role, tool_call_id: id, content: plain(content) })
    const known = said.some((one) => isDraft(one) && one.calls.some((call) => call.id === id))
    if (known) out.put({ type: 'tool-output-available', toolCallId: id, output: plain(content) })
    return true
  }

  return {
    form: 'openai',
    take(piece, out) {
      const { id, choices, usage: stated } = fieldsOf<'id' | 'choices' | 'usage'>(piece)
      if (!Array.isArray(choices)) return tool(piece, out)
      const choice = fieldsOf<'delta' | 'message' | 'finish_reason'>(
        choices.find((one) => (fieldsOf<'index'>(one).index ?? 0) === 0),
      )
      const delta = choice.delta ?? choice.message
      if (delta || choice.finish_reason) {
        const draft = draftOf(textIn(id), out)
        grow(draft, delta, out)
        finish(draft, choice.finish_reason, out)
      }
      used.set(plain(stated))
      return true
    },
    end(out) {
      const last = said.at(-1)
      out.close()
      // Without a reason nothing tells whether the model was done: what can be answered is a call.
      if (isDraft(last) && last.ended === 'no') callAll(last.calls.filter(isWhole), out)
    },
    reply: () => said.flatMap((one) => (isDraft(one) ? answerOf(one) : [one])),
    usage: used.total,
  }
}

type Result = 'role' | 'tool_call_id' | 'content'

function isDraft(one: Draft | AnyAnswer | undefined): one is Draft {
  return one !== undefined && one['fields'] instanceof Map
}

function grow(draft: Draft, delta: unknown, out: Outlet): void {
  const { role: _, tool_calls: calls, ...said } = fieldsOf(delta) as Record<string, unknown>
  for (const [field, value] of Object.entries(said)) {
    draft.fields.set(field, combined(draft.fields.get(field), plain(value), longer))
    const kind = spoken.get(field)
    if (kind) speak(kind, textIn(value), out)
  }
  listIn(calls).forEach((call, at) => {
    growCall(draft.calls, { index: at, ...fieldsOf(call) }, out)
  })
}

function finish(draft: Draft, reason: unknown, out: Outlet): void {
  if (typeof reason !== 'string' || draft.ended !== 'no') return
  draft.ended = reason === 'length' || reason === 'content_filter' ? 'cut' : 'whole'
  out.close()
  callAll(draft.calls, out)
  out.finish(reasons.get(reason) ?? 'other')
}

/** Fields whose text a client sees. `reasoning…` are those of DeepSeek, vLLM and OpenRouter. */
const spoken: ReadonlyMap<string, 'text' | 'reasoning'> = new Map([
  ['content', 'text'],
  ['refusal', 'text'],
  ['reasoning_content', 'reasoning'],
  ['reasoning', 'reasoning'],
])

const reasons: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ['stop', 'stop'],
  ['length', 'length'],
  ['content_filter', 'content-filter'],
  ['tool_calls', 'tool-calls'],
  ['function_call', 'tool-calls'],
])

/** One thing is said at a time: a text ends where reasoning begins. */
function speak(kind: 'text' | 'reasoning', delta: string, out: Outlet): void {
  if (delta === '') return
  out.close(kind === 'text' ? 'reasoning' : 'text')
  out.grow(kind, kind, delta)
}

/** What a field has become: texts grow, lists too; anything else is replaced. */
function longer(before: unknown, more: unknown, field = ''): unknown {
  if (more === null) return before === undefined ? more : before
  if (names.has(field)) return more
  if (typeof before === 'string' && typeof more === 'string') return before + more
  return Array.isArray(before) && Array.isArray(more) ? [...before, ...more] : more
}

// Said once, or again and again: never a text that grows.
const names: ReadonlySet<string> = new Set(['id', 'type', 'name'])

function answerOf({ fields, calls, ended }: Draft): AnyAnswer[] {
  const whole = calls.filter((call) => ended === 'whole' || isWhole(call))
  const anything = [...fields.values()].some((value) => value !== null && value !== '')
  if (whole.length === 0 && !anything) return []
  return [
    {
      role: 'assistant',
      content: null,
      ...Object.fromEntries(fields),
      ...(whole.length > 0 && { tool_calls: whole.map(callIn) }),
    },
  ]
}
