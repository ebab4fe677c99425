import { UsageError } from '../errors.ts'
import { digest, encodeId } from '../keys.ts'
import { keyedTarget } from './key.ts'
import type { QueryRule } from './query.ts'

/** How many marks one entry may carry: each is compared whenever the entry is read. */
const mostMarks = 64

/**
 * Mark of all that is kept of a target, whatever the host, the method and the owner: its path and the
 * part of its query that the rule lets into the key. `target` is path and query as sent.
 */
export function targetMark(target: string, rule: QueryRule): string {
  return `u:${digest(keyedTarget(pathOf(target), rule))}`
}

const origin = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*\/?/i

/** A target in absolute form (RFC 9112 section 3.2.2) is served as its path, and changes that. */
function pathOf(target: string): string {
  return target.replace(origin, '/')
}

/** Mark of all that is kept of one scope, whose tag holds no id but an encoded one. */
export function scopeMark(tag: string): string {
  return `s:${tag}`
}

/** Mark of a group of answers of one origin (RFC 9875 section 2). */
export function groupMark(origin: string, name: string): string {
  return `g:${digest([origin, name])}`
}

/**
 * Mark of a tag that the application gives.
 *
 * @throws IdError for what is no id.
 */
export function tagMark(tag: unknown): string {
  return `t:${encodeId('A tag', tag)}`
}

/** Whether no request tells of a mark, but only its answer: of a tag, or a group. */
export function isToldLater(mark: string): boolean {
  return /^[gt]:/.test(mark)
}

/**
 * The marks of one entry, sorted, each once.
 *
 * @throws UsageError above 64: an answer without some of its marks would outlive their purge.
 */
export function marksOf(lists: readonly (readonly string[])[]): readonly string[] {
  const marks = [...new Set(lists.flat())].sort()
  if (marks.length <= mostMarks) return marks
  throw new UsageError(`A cached answer has at most ${mostMarks} marks, got ${marks.length}`)
}

const shape = /^[ugst]:[\w.@~%:-]{1,600}$/

/** Whether a value read from elsewhere is what `marksOf()` gives. */
export function isMarkList(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || value.length > mostMarks) return false
  return value.every((mark: unknown, at) => {
    if (typeof mark !== 'string' || !shape.test(mark)) return false
    return at === 0 || value[at - 1] < mark
  })
}
