import type { SessionKeys } from '../../keys.ts'
import { turnKey } from '../../keys.ts'
import type { Keyspace } from './keyspace.ts'
import { type PiecesCell, type PiecesShelf, piecesOn } from './pieces.ts'
import type { SessionCell } from './session.ts'
import { failure, type Held, type Share, sizeOf } from './shelf.ts'

/** An owner's sessions. Lines leave with their sessions; when each was active the sessions know. */
interface IndexCell {
  readonly kind: 'index'
  bytes: number
  /** Ids, and the keys of their sessions. */
  readonly lines: Map<string, string>
}

/** Where sessions stand, each with a line in its owner's index. */
export interface SessionShelf {
  /** @throws StoreError `corrupt` for another kind of cell, or another's session. */
  open(operation: string, keys: SessionKeys): Held<SessionCell> | undefined
  /** Puts or replaces; the index lives at least as long. @throws StoreError `full`. */
  put(operation: string, session: SessionCell, expiresAt: number): void
  /** The sessions of an index, in no order. */
  listed(operation: string, index: string): SessionCell[]
  /** True when the session was there. */
  delete(key: string): boolean
  /** Pieces of answers; they go with their session. */
  readonly pieces: PiecesShelf
}

/** Adds a shelf for sessions to a keyspace. */
export function createSessionShelf(keyspace: Keyspace, share: Share): SessionShelf {
  const shelf = keyspace.shelf<SessionCell | IndexCell | PiecesCell>(share, (cell) => {
    if (cell.kind !== 'session') return
    forgetLine(cell.keys)
    for (const { turn } of cell.turns) shelf.delete(turnKey(cell.keys, turn))
  })

  function forgetLine({ index, id }: SessionKeys): void {
    const cell = shelf.peek(index)?.cell
    if (cell?.kind !== 'index' || !cell.lines.delete(id)) return
    cell.bytes -= sizeOfLine(id)
    if (cell.lines.size === 0) shelf.delete(index)
  }

  function putLine(
    operation: string,
    { index, id, session }: SessionKeys,
    expiresAt: number,
  ): void {
    const held = shelf.get(operation, index, 'index')
    const { lines, bytes } = held?.cell ?? { lines: new Map<string, string>(), bytes: 0 }
    const more = lines.has(id) ? 0 : sizeOfLine(id)
    lines.set(id, session)
    const endsAt = Math.max(expiresAt, held?.expiresAt ?? 0)
    shelf.put(operation, index, { kind: 'index', bytes: bytes + more, lines }, endsAt)
  }

  return {
    open(operation, keys) {
      const held = shelf.get(operation, keys.session, 'session')
      if (held && held.cell.keys.seal !== keys.seal) throw failure(operation, 'corrupt')
      return held
    },
    put(operation, session, expiresAt) {
      const { keys, bytes } = session
      const lines = shelf.get(operation, keys.index, 'index')?.cell.bytes ?? 0
      const index = sizeOf(keys.index, lines + sizeOfLine(keys.id))
      if (!shelf.fits(sizeOf(keys.session, bytes) + index)) throw failure(operation, 'full')
      shelf.put(operation, keys.session, session, expiresAt)
      // The index comes last, so that it is never dropped before its sessions.
      putLine(operation, keys, expiresAt)
    },
    listed(operation, index) {
      const lines = shelf.get(operation, index, 'index')?.cell.lines ?? []
      const sessions: SessionCell[] = []
      // A copy: a line leaves the index when its session turns out to have expired.
      for (const [, key] of [...lines]) {
        const cell = shelf.peek(key)?.cell
        if (cell?.kind === 'session') sessions.push(cell)
      }
      return sessions
    },
    delete: (key) => shelf.delete(key),
    pieces: piecesOn(
      shelf,
      (operation, key) => shelf.get(operation, key, 'pieces'),
      keyspace.now,
      share,
    ),
  }
}

// Map entry; the strings are the session's own.
function sizeOfLine(id: string): number {
  return 64 + id.length
}
