import { formatOf } from '../lib/history/formats/native.ts'
import { isShape, only, type Shape, shapesOf } from '../lib/history/formats/shape.ts'
import { toolOf } from '../lib/history/formats/ui-lines.ts'
import type { StoredMessage, UiMessage } from '../lib/history/message.ts'
import { piecesOf } from '../lib/history/stream/source.ts'
import type { TurnSource } from '../lib/history/turn.ts'

/** What calls came to, by their ids: parts of a UI message. */
export type Outcomes = ReadonlyMap<unknown, Shape>

/** States in which a part waits, and those in which it may go from there. */
type Steps = ReadonlyMap<unknown, readonly unknown[]>

/** What a browser has to say: it carries out its own tools, and asks its user. */
const toldByBrowser: Steps = new Map([
  ['input-available', ['output-available', 'output-error']],
  ['approval-requested', ['approval-responded']],
])

/** What comes of a call once its user has spoken. */
const afterApproval: Steps = new Map([
  ['approval-responded', ['output-available', 'output-error', 'output-denied']],
])

/** True for the message that a browser goes on with: it has one of its calls, or its id. */
export function isWaited(message: StoredMessage, last: UiMessage): boolean {
  if (message.role !== 'assistant' || formatOf({ ...message }) !== 'ai-sdk') return false
  const calls = new Set(callsOf(last.parts))
  return message.id === last.id || callsOf(message.content).some((id) => calls.has(id))
}

/** The message, its calls with what a browser says of them; itself where that is nothing new. */
export function told(message: StoredMessage, last: UiMessage): StoredMessage {
  const outcomes = shapesOf(last.parts).map((part) => [part['toolCallId'], part] as const)
  return moved(message, new Map(outcomes), toldByBrowser)
}

/** The message, its calls with what came of those that a user has spoken on. */
export function settled(message: StoredMessage, outcomes: Outcomes): StoredMessage {
  return moved(message, outcomes, afterApproval)
}

function moved(message: StoredMessage, outcomes: Outcomes, steps: Steps): StoredMessage {
  const parts = shapesOf(message.content)
  const content = parts.map((part) => {
    const outcome = toolOf(part) === undefined ? undefined : outcomes.get(part['toolCallId'])
    return outcome && steps.get(part['state'])?.includes(outcome['state'])
      ? partWith(part, outcome)
      : part
  })
  const changed = content.some((part, at) => part !== parts[at])
  return changed ? ({ ...message, content } as unknown as StoredMessage) : message
}

/** The source, and what it says meanwhile of calls of an earlier message: that a user allowed them. */
export function hearing(
  message: StoredMessage,
  source: TurnSource | undefined,
): { readonly source: TurnSource | undefined; readonly outcomes: Outcomes } {
  const calls = new Set(callsOf(message.content))
  const outcomes = new Map<unknown, Shape>()
  if (source === undefined || calls.size === 0) return { source, outcomes }
  const given = source
  async function* heard(): AsyncGenerator<unknown> {
    for await (const piece of piecesOf(given)) {
      const outcome = isShape(piece) ? outcomeOf(piece) : undefined
      if (outcome && calls.has(outcome['toolCallId'])) outcomes.set(outcome['toolCallId'], outcome)
      yield piece
    }
  }
  return { source: heard(), outcomes }
}

function callsOf(parts: unknown): readonly unknown[] {
  return shapesOf(parts).flatMap((part) => (toolOf(part) ? [part['toolCallId']] : []))
}

/** Of an approval only the user's word is taken; what was asked stays as it was. */
function partWith(part: Shape, outcome: Shape): Shape {
  const { state, approval } = outcome
  if (state !== 'approval-responded')
    return { ...part, ...only(outcome, 'state', 'output', 'errorText') }
  const asked = isShape(part['approval']) ? part['approval'] : {}
  const { approved, reason } = isShape(approval) ? approval : ({} as Shape)
  const word = { approved: approved === true, ...(typeof reason === 'string' && { reason }) }
  return { ...part, state, approval: { ...asked, ...word } }
}

/** What a piece of a stream of the AI SDK says of the outcome of a call. */
function outcomeOf(piece: Shape): Shape | undefined {
  switch (piece['type']) {
    case 'tool-result':
    case 'tool-output-available':
      return { ...only(piece, 'toolCallId', 'output'), state: 'output-available' }
    case 'tool-error':
    case 'tool-output-error': {
      const errorText = piece['errorText'] ?? 'An error occurred.'
      return { ...only(piece, 'toolCallId'), errorText, state: 'output-error' }
    }
    case 'tool-output-denied':
      return { ...only(piece, 'toolCallId'), state: 'output-denied' }
    default:
      return undefined
  }
}
