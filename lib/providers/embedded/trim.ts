import type { AppendBounds, RoleLetter } from '../../ports/history.ts'

/** Where the answer to a question stands. */
export interface Answer {
  readonly first: number
  readonly count: number
}

/** What trimming must know of a message. */
export interface Trimmable {
  readonly seq: number
  readonly id: string
  readonly role: RoleLetter
  readonly answer?: Answer | undefined
}

/**
 * What stays of messages of which there are more than `max`: the turns that begin among the newest
 * `keep`. The newest turn stays whole, and so does what follows a question that is being answered,
 * until there are more than twice `max`; then such questions stand right before what is kept.
 */
export function trimmed<M extends Trimmable>(
  all: readonly M[],
  { max, keep }: Pick<AppendBounds, 'max' | 'keep'>,
  running: ReadonlySet<string>,
): readonly M[] {
  if (all.length <= max) return all
  const from = all.length - keep
  const boundary = all.findIndex(({ role }, at) => at >= from && role === 'u')
  const newest = boundary < 0 ? all.findLast(({ role }) => role === 'u')?.id : undefined
  const stays = ({ id }: M) => id === newest || running.has(id)

  const question = all.findIndex(stays)
  const starts = [boundary, question].filter((at) => at >= 0)
  const start = Math.min(...starts)
  if (starts.length > 0 && all.length - start <= 2 * max) return all.slice(start)

  const cut = boundary < 0 ? whole(all, question < 0 ? from : from + 1) : boundary
  const questions = all.slice(0, cut).filter(stays)
  const first = (all[cut]?.seq ?? 0) - questions.length
  return [
    ...questions.map((each, at) => moved(each, first + at, first + questions.length)),
    ...all.slice(cut),
  ]
}

/** The first place at or after another that holds no result of a tool. */
function whole(all: readonly Trimmable[], from: number): number {
  const start = Math.min(from, all.length - 1)
  const found = all.findIndex(({ role }, at) => at >= start && role !== 't')
  return found < 0 ? start : found
}

function moved<M extends Trimmable>(question: M, seq: number, oldest: number): M {
  if (!question.answer) return { ...question, seq }
  const first = Math.max(question.answer.first, oldest)
  const count = Math.max(0, question.answer.first + question.answer.count - first)
  return { ...question, seq, answer: { first, count } }
}
