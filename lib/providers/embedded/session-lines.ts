import type { ListCursor } from '../../ports/history.ts'

/** Where a session stands among its owner's. */
interface Line extends ListCursor {
  readonly key: string
  newer: Line | undefined
  older: Line | undefined
}

/**
 * An owner's sessions, kept in the order in which they are listed: the first of thousands are found
 * without a look at the others. A session that was just active is put before all, at no more cost.
 */
export class SessionLines {
  readonly #lines = new Map<string, Line>()
  #newest: Line | undefined

  get size(): number {
    return this.#lines.size
  }

  /** Adds a session, or moves it to where its activity puts it. True when it was not there. */
  put({ at, id }: ListCursor, key: string): boolean {
    const old = this.#lines.get(id)
    if (old?.at === at) return false
    if (old) this.#unlink(old)
    let newer: Line | undefined
    let older = this.#newest
    while (older && order(older, { at, id }) < 0) {
      newer = older
      older = older.older
    }
    const line = { at, id, key, newer, older }
    this.#join(newer, line)
    this.#join(line, older)
    this.#lines.set(id, line)
    return old === undefined
  }

  /** True when it was there. */
  delete(id: string): boolean {
    const line = this.#lines.get(id)
    if (line) this.#unlink(line)
    return this.#lines.delete(id)
  }

  /** Keys of the sessions behind a place, of all without one; the one handed out may be deleted. */
  *keys(after?: ListCursor): Generator<string> {
    let line = this.#first(after)
    while (line) {
      const { key, older }: Line = line
      yield key
      line = older
    }
  }

  #first(after: ListCursor | undefined): Line | undefined {
    if (after === undefined) return this.#newest
    const at = this.#lines.get(after.id)
    if (at && order(at, after) === 0) return at.older
    // That session was active since, or is gone: its place is looked for.
    let line = this.#newest
    while (line && order(line, after) <= 0) line = line.older
    return line
  }

  #unlink({ newer, older }: Line): void {
    this.#join(newer, older)
  }

  #join(newer: Line | undefined, older: Line | undefined): void {
    if (newer) newer.older = older
    else this.#newest = older
    if (older) older.newer = newer
  }
}

/** Last active first; of the same millisecond, the greater id first. */
function order(one: ListCursor, other: ListCursor): number {
  if (one.at !== other.at) return other.at - one.at
  return one.id === other.id ? 0 : one.id < other.id ? 1 : -1
}
