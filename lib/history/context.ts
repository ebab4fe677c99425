import { StoreError } from '../errors.ts'
import type { Entry, ReadResult, SessionMeta } from '../ports/history.ts'
import type { Codec } from './codec.ts'
import type { AiSdkMessage, AnthropicMessage, InputItem, OpenAiMessage } from './formats/forms.ts'
import { sourceOf } from './formats/native.ts'
import type { Source } from './formats/neutral.ts'
import { instructions, linesOf, rendered } from './formats/rendered.ts'
import type { Shape } from './formats/shape.ts'
import { type MessageRules, type StoredMessage, toBody, toMessage } from './message.ts'
import { cutWindow, type WindowNeeds, type WindowSize, windowWithoutTurns } from './window.ts'

/**
 * Messages in each form that `context()` gives. What came in this very form goes out as it came. Of
 * other forms text, calls and their results always go over; what does not:
 *
 * - `openai` — reasoning; that a result is an error; images of tools' results; files of assistants
 * - `openai-responses` — reasoning that is not OpenAI's; that a result is an error; images of tools' results
 * - `anthropic` — thinking that Anthropic has not signed; audio and files but images and PDF, which
 *   are named in the text; images of assistants
 * - `ai-sdk` — what only one provider knows, such as its own tools' calls
 */
export interface Forms {
  /** Messages as they are stored, of any format, cut at a turn; nothing is repaired. */
  raw: StoredMessage
  /** `messages` of a chat completion of OpenAI's, and of those who speak like it. */
  openai: OpenAiMessage
  /** `input` of a response of OpenAI's. */
  'openai-responses': InputItem
  /** `messages` of a message to Anthropic. */
  anthropic: AnthropicMessage
  /** UI messages of the AI SDK, for `convertToModelMessages()`. */
  'ai-sdk': AiSdkMessage
}

/** What is handed to a model. */
export interface Context<As extends keyof Forms = 'raw'> {
  /**
   * System prompt and summary, for `anthropic` and `ai-sdk`, which take them apart. For `openai` and
   * `openai-responses` they stand in `messages`; for `raw` the system message does.
   */
  readonly system: string | undefined
  /** Of what came before the window, where the window does not begin at the start. */
  readonly summary: string | undefined
  /** Oldest first; begins with a turn, or with the system message. */
  readonly messages: Forms[As][]
  /** As counted when the messages were appended, with the system message and the summary. */
  readonly tokens: number
  readonly rev: number
}

/** How much is handed out, and how a summary is counted. */
export interface ContextSize extends WindowSize, Pick<MessageRules, 'count'> {}

/**
 * What to hand to a model, of the newest messages of a session. `undefined` where the newest turn
 * begins before them: read more, up to all.
 *
 * In each form but `raw` a window is always one its provider takes: a call that has no result gets one
 * that says so, a result without its call goes, and so do empty text and reasoning that nothing follows.
 */
export function contextOf<As extends keyof Forms>(
  { meta, entries }: ReadResult,
  codec: Codec,
  size: ContextSize,
  as: As,
): Context<As> | undefined {
  const summary = summaryOf(meta, codec)
  const cost = summary === undefined ? 0 : tokensOf(summary, size)
  const needs = needsOf(meta, cost)
  const window = cutWindow(entries, size, needs)
  if (window) return contextIn(window, { meta, codec, summary, cost, as })
  const whole = entries[0] === undefined || entries[0].seq <= needs.oldest
  return whole ? wholeContextOf({ meta, entries }, codec, size, as) : undefined
}

/** As `contextOf()`, of all there is: where no user has spoken, the newest messages. */
export function wholeContextOf<As extends keyof Forms>(
  { meta, entries }: ReadResult,
  codec: Codec,
  size: ContextSize,
  as: As,
): Context<As> {
  const summary = summaryOf(meta, codec)
  const cost = summary === undefined ? 0 : tokensOf(summary, size)
  const needs = { ...needsOf(meta, cost), oldest: entries[0]?.seq ?? 1 }
  const window = cutWindow(entries, size, needs) ?? windowWithoutTurns(entries, size)
  return contextIn(window, { meta, codec, summary, cost, as })
}

/** Position at which the window begins; `undefined` where it begins before these entries. */
export function headOf(
  { meta, entries }: ReadResult,
  codec: Codec,
  size: ContextSize,
): number | undefined {
  const summary = summaryOf(meta, codec)
  const cost = summary === undefined ? 0 : tokensOf(summary, size)
  return cutWindow(entries, size, needsOf(meta, cost))?.[0]?.seq
}

/** What a session's system message and its summary need of a window. */
function needsOf(meta: SessionMeta | undefined, summary = 0): WindowNeeds {
  return { oldest: meta ? meta.seq - meta.length + 1 : 1, system: meta?.system, summary }
}

function summaryOf(meta: SessionMeta | undefined, codec: Codec): string | undefined {
  if (meta?.summary === undefined) return undefined
  const text = codec.decode('~summary', meta.summary.payload)
  if (typeof text === 'string') return text === '' ? undefined : text
  throw new StoreError('read', 'corrupt', { cause: new TypeError('The summary is no text') })
}

function tokensOf(text: string, { count }: ContextSize): number {
  const counted = count({ role: 'system', content: heading + text })
  return Number.isFinite(counted) && counted > 0 ? Math.ceil(counted) : 0
}

const heading = 'Summary of the conversation so far: '

interface Parts<As> {
  readonly meta: SessionMeta | undefined
  readonly codec: Codec
  readonly summary: string | undefined
  readonly cost: number
  readonly as: As
}

function contextIn<As extends keyof Forms>(
  window: readonly Entry[],
  { meta, codec, summary: known, cost, as }: Parts<As>,
): Context<As> {
  const cut = (window[0]?.seq ?? 1) > 1
  const summary = cut ? known : undefined
  const entries = withSystem(window, meta?.system)
  const counted = entries.reduce((total, { tokens }) => total + tokens, 0)
  const { system, messages } = handedOut(entries, codec, summary, as)
  return {
    system,
    summary,
    messages: messages as Forms[As][],
    tokens: counted + (summary === undefined ? 0 : cost),
    rev: meta?.rev ?? 0,
  }
}

/** The newest system message comes first where it is not in the window. */
function withSystem(window: readonly Entry[], system: Entry | undefined): readonly Entry[] {
  if (system === undefined || window.some(({ id }) => id === system.id)) return window
  // One that was set for the session has taken the place of the newest one in the window.
  const replaced = window.findLast(({ role }) => role === 's' || role === 'd')
  return [system, ...window.filter((entry) => entry !== replaced)]
}

interface HandedOut {
  readonly system: string | undefined
  readonly messages: readonly (StoredMessage | Shape)[]
}

function handedOut(
  entries: readonly Entry[],
  codec: Codec,
  summary: string | undefined,
  as: keyof Forms,
): HandedOut {
  if (as === 'raw')
    return { system: undefined, messages: entries.map((entry) => toMessage(entry, codec)) }
  const sources = entries.map((entry) => {
    const { id, ...body } = toBody(entry, codec)
    return sourceOf(String(id), body)
  })
  if (as === 'anthropic' || as === 'ai-sdk') {
    const told = summary === undefined ? '' : heading + summary
    const system = [instructions(linesOf(sources)), told].filter((text) => text !== '')
    return { system: system.join('\n\n') || undefined, messages: rendered(sources, as) }
  }
  return { system: undefined, messages: rendered(withSummary(sources, summary), as) }
}

/** The summary is a system message behind those that the window begins with. */
export function withSummary(
  sources: readonly Source[],
  summary: string | undefined,
): readonly Source[] {
  if (summary === undefined) return sources
  const found = sources.findIndex(({ message }) => !isSystem(message))
  const at = found < 0 ? sources.length : found
  const message = { role: 'system', content: heading + summary }
  const told: Source = { id: '~summary', format: 'openai', message, partial: false }
  return [...sources.slice(0, at), told, ...sources.slice(at)]
}

function isSystem({ role }: Shape): boolean {
  return role === 'system' || role === 'developer'
}
