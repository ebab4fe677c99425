import { addressOf } from './files.ts'
import {
  blockIn,
  emptyText,
  type Line,
  type Piece,
  type ReasoningPiece,
  type Result,
  type Said,
  type Source,
  type Step,
} from './neutral.ts'
import type { Shape } from './shape.ts'
import { finished, type UiCalls, withoutIdleSteps } from './ui-finished.ts'

/**
 * UI messages of the AI SDK of a repaired conversation, without what the application says: that is
 * the `system` of a request. What did not come as a UI message is one message from one user's message
 * to the next, with its steps marked.
 */
export function uiMessages(parts: readonly (Said | Step)[], newest: Source | undefined): Shape[] {
  const written = new Written(newest, callsOf(parts))
  for (const part of parts) {
    if (part.kind === 'step') written.step(part)
    else if (part.line.role === 'user') written.user(part.line)
  }
  return written.ended()
}

type Answers = ReadonlyMap<string, Result>

/** The ids that calls of UI messages have in this window, and the results of all calls. */
function callsOf(parts: readonly (Said | Step)[]): UiCalls {
  const steps = parts.filter((part) => part.kind === 'step')
  const calls = steps.flatMap(({ lines }) => lines.flatMap(({ pieces }) => pieces))
  const ids = calls.flatMap((piece): [Shape, string][] => {
    const block = piece.kind === 'call' ? blockIn('ai-sdk', piece) : undefined
    return block && piece.kind === 'call' ? [[block, piece.id]] : []
  })
  const answers = steps.flatMap(({ results }) => results.map((each) => [each.id, each] as const))
  return { ids: new Map(ids), answers: new Map(answers) }
}

class Written {
  readonly #newest: Source | undefined
  readonly #calls: UiCalls
  readonly #messages: Shape[] = []
  /** UI messages that are written: their steps come one by one. */
  readonly #done = new Set<Source>()
  #answer: { id: string; parts: Shape[] } | undefined

  constructor(newest: Source | undefined, calls: UiCalls) {
    this.#newest = newest
    this.#calls = calls
  }

  user(line: Line): void {
    this.#flush()
    const { source, pieces } = line
    if (source.format === 'ai-sdk') {
      this.#own(source)
      return
    }
    const parts = pieces.flatMap(userPart)
    const filled = parts.length > 0 ? parts : [{ type: 'text', text: emptyText }]
    this.#messages.push({ id: source.id, role: 'user', parts: filled })
  }

  step({ lines }: Step): void {
    const { answers } = this.#calls
    let begun = false
    for (const { source, pieces } of lines) {
      if (source.format === 'ai-sdk') {
        this.#flush()
        this.#own(source)
        begun = false
        continue
      }
      this.#answer ??= { id: source.id, parts: [] }
      if (!begun) this.#answer.parts.push({ type: 'step-start' })
      begun = true
      this.#answer.parts.push(...pieces.flatMap((piece) => assistantPart(piece, answers)))
    }
  }

  ended(): Shape[] {
    this.#flush()
    return this.#messages
  }

  #own(source: Source): void {
    if (this.#done.has(source)) return
    this.#done.add(source)
    const message = finished(source, this.#calls, source === this.#newest)
    if (message) this.#messages.push(message)
  }

  #flush(): void {
    const answer = this.#answer
    this.#answer = undefined
    const parts = withoutIdleSteps(answer?.parts ?? [])
    if (answer && parts.some(({ type }) => type !== 'step-start'))
      this.#messages.push({ id: answer.id, role: 'assistant', parts })
  }
}

function userPart(piece: Piece): readonly Shape[] {
  if (piece.kind === 'text' || piece.kind === 'refusal') return [{ type: 'text', text: piece.text }]
  if (piece.kind !== 'file') return []
  const { mediaType, name } = piece
  const filename = name === undefined ? {} : { filename: name }
  return [{ type: 'file', mediaType, url: addressOf(piece) ?? '', ...filename }]
}

function assistantPart(piece: Piece, answers: Answers): readonly Shape[] {
  if (piece.kind === 'reasoning') return reasoningPart(piece)
  if (piece.kind !== 'call') return userPart(piece)
  if (piece.bound) return []
  const { id, name, input } = piece
  const tool = { type: 'dynamic-tool', toolName: name, toolCallId: id, input: input ?? {} }
  const { text = '', error = true } = answers.get(id) ?? {}
  return error
    ? [{ ...tool, state: 'output-error', errorText: text }]
    : [{ ...tool, state: 'output-available', output: text }]
}

function reasoningPart(piece: ReasoningPiece): readonly Shape[] {
  const { text, signature, redacted, item, encrypted } = piece
  const part = { type: 'reasoning', text, state: 'done' }
  if (redacted !== undefined)
    return [{ ...part, providerMetadata: { anthropic: { redactedData: redacted } } }]
  if (signature !== undefined) return [{ ...part, providerMetadata: { anthropic: { signature } } }]
  if (item === undefined) return text === '' ? [] : [part]
  const openai = { itemId: item, reasoningEncryptedContent: encrypted ?? null }
  return [{ ...part, providerMetadata: { openai } }]
}
