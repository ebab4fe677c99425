import { emptyText, interruptedText, type Result, type Source } from './neutral.ts'
import { asText, isShape, type Shape, shapesOf, someText, without } from './shape.ts'
import { toolOf } from './ui-lines.ts'

const finalStates: readonly unknown[] = ['output-available', 'output-error', 'output-denied']

/** Calls of UI messages: the ids they have in a window, by their parts, and results by these ids. */
export interface UiCalls {
  readonly ids: ReadonlyMap<Shape, string>
  readonly answers: ReadonlyMap<string, Result>
}

/**
 * A UI message of which nothing is under way any more: tools have their results, text is whole.
 * Only in the newest message a call may wait for what the user has approved.
 */
export function finished({ message }: Source, calls: UiCalls, newest: boolean): Shape | undefined {
  const parts = shapesOf(message['parts'])
  if (message['role'] !== 'assistant') return { ...message, parts: filled(parts.filter(isWhole)) }
  const whole = parts
    .filter(isWhole)
    .map((part) => (toolOf(part) === undefined ? settled(part) : finalTool(part, calls, newest)))
  const kept = withoutIdleSteps(whole)
  return kept.some(({ type }) => type !== 'step-start') ? { ...message, parts: kept } : undefined
}

function filled(parts: readonly Shape[]): readonly Shape[] {
  return parts.length > 0 ? parts : [{ type: 'text', text: emptyText }]
}

/** False for empty text, and for a call that has no id or no name. */
function isWhole(part: Shape): boolean {
  if (part['type'] === 'text') return someText(part['text']) !== undefined
  if (part['type'] === 'dynamic-tool' || asText(part['type'])?.startsWith('tool-'))
    return someText(toolOf(part)) !== undefined && someText(part['toolCallId']) !== undefined
  return typeof part['type'] === 'string'
}

function settled(part: Shape): Shape {
  return part['state'] === 'streaming' ? { ...part, state: 'done' } : part
}

function finalTool(came: Shape, { ids, answers }: UiCalls, newest: boolean): Shape {
  const { state } = came
  const toolCallId = ids.get(came) ?? String(came['toolCallId'])
  const part = toolCallId === came['toolCallId'] ? came : { ...came, toolCallId }
  if (finalStates.includes(state) || (newest && state === 'approval-responded')) return part
  const given = answers.get(toolCallId)
  const input = part['input'] ?? part['rawInput']
  const call = { ...without(part, 'rawInput', 'inputEncoding', 'approval'), input: input ?? {} }
  if (isDenied(part['approval']))
    return { ...call, state: 'output-denied', approval: part['approval'] }
  if (given && !given.error) return { ...call, state: 'output-available', output: given.text }
  return { ...call, state: 'output-error', errorText: given?.text ?? interruptedText }
}

function isDenied(approval: unknown): boolean {
  return isShape(approval) && approval['approved'] === false
}

/** A step in which a model has only thought gives a provider reasoning that nothing follows. */
export function withoutIdleSteps(parts: readonly Shape[]): readonly Shape[] {
  const found: Shape[][] = [[]]
  for (const part of parts) {
    if (part['type'] === 'step-start') found.push([part])
    else found.at(-1)?.push(part)
  }
  const busy = found.filter(
    (step) => !step.some(({ type }) => type === 'reasoning') || step.some(isSpoken),
  )
  return busy.flat()
}

function isSpoken(part: Shape): boolean {
  return part['type'] === 'text' || part['type'] === 'file' || toolOf(part) !== undefined
}
