import { type SessionKeys, stateKey, turnKey } from '../../keys.ts'
import type { ListCursor } from '../../ports/history.ts'
import type { Keyspace } from './keyspace.ts'
import type { Packed } from './packed.ts'
import { type PiecesCell, type PiecesShelf, piecesOn } from './pieces.ts'
import type { SessionCell } from './session.ts'
import { SessionLines } from './session-lines.ts'
import { failure, type Held, type Share, type Shelf, sizeOf } from './shelf.ts'

/** An owner's sessions. Lines leave with their sessions. */
interface IndexCell {
  readonly kind: 'index'
  bytes: number
  readonly lines: SessionLines
}

/** Named values: a session's state, or what a user prefers; each change makes a new one. */
export interface FieldsCell {
  readonly kind: 'fields'
  readonly bytes: number
  readonly values: ReadonlyMap<string, Packed>
}

/** A part of a listing. */
interface ListPage {
  readonly limit: number
  readonly after: ListCursor | undefined
}

/** Where sessions stand, each with a line in its owner's index, and named values beside them. */
export interface SessionShelf {
  /** @throws StoreError `corrupt` for another kind of cell, or another's session. */
  open(operation: string, keys: SessionKeys): Held<SessionCell> | undefined
  /**
   * Puts or replaces, with a state where one is given; index and state live at least, or just, as
   * long. @throws StoreError `full`, and nothing has changed.
   */
  put(operation: string, session: SessionCell, expiresAt: number, state?: FieldsCell): void
  /** Lets a session that is held, its state and its index end at another time, the index no sooner. */
  renew(held: Held<SessionCell>, expiresAt: number): void
  /** The sessions of an index, last active first: so many behind a place, or all. */
  listed(operation: string, index: string, page?: ListPage): SessionCell[]
  /** @throws StoreError `corrupt` for another kind of cell. */
  openFields(operation: string, key: string): Held<FieldsCell> | undefined
  /** Puts or replaces what belongs to no session. @throws StoreError `full`. */
  putFields(operation: string, key: string, fields: FieldsCell, expiresAt: number): void
  /** True when the session, or the named values, were there. A session's state goes with it. */
  delete(key: string): boolean
  /** Pieces of answers; they go with their session. */
  readonly pieces: PiecesShelf
}

/** Adds a shelf for sessions to a keyspace. */
export function createSessionShelf(keyspace: Keyspace, share: Share): SessionShelf {
  const shelf = keyspace.shelf<SessionCell | IndexCell | FieldsCell | PiecesCell>(share, {
    onGone(cell) {
      if (cell.kind !== 'session') return
      forgetLine(cell.keys)
      shelf.delete(stateKey(cell.keys))
      for (const { turn } of cell.turns) shelf.delete(turnKey(cell.keys, turn))
    },
  })

  function forgetLine({ index, id }: SessionKeys): void {
    const cell = shelf.peek(index)?.cell
    if (cell?.kind !== 'index' || !cell.lines.delete(id)) return
    cell.bytes -= sizeOfLine(id)
    if (cell.lines.size === 0) shelf.delete(index)
  }

  function putLine(
    operation: string,
    { keys: { index, id, session }, updatedAt }: SessionCell,
    expiresAt: number,
  ): void {
    const held = shelf.get(operation, index, 'index')
    const { lines, bytes } = held?.cell ?? { lines: new SessionLines(), bytes: 0 }
    const more = lines.put({ at: updatedAt, id }, session) ? sizeOfLine(id) : 0
    const endsAt = Math.max(expiresAt, held?.expiresAt ?? 0)
    shelf.put(operation, index, { kind: 'index', bytes: bytes + more, lines }, endsAt)
  }

  return {
    open(operation, keys) {
      const held = shelf.get(operation, keys.session, 'session')
      if (held && held.cell.keys.seal !== keys.seal) throw failure(operation, 'corrupt')
      return held
    },
    put(operation, session, expiresAt, state) {
      const { keys, bytes } = session
      const at = stateKey(keys)
      const beside = state ? sizeOf(at, state.bytes) : 0
      const lines = shelf.get(operation, keys.index, 'index')?.cell.bytes ?? 0
      const index = sizeOf(keys.index, lines + sizeOfLine(keys.id))
      if (!shelf.fits(sizeOf(keys.session, bytes) + index + beside))
        throw failure(operation, 'full')
      shelf.put(operation, keys.session, session, expiresAt)
      if (state) shelf.put(operation, at, state, expiresAt)
      const kept = shelf.peek(at)
      if (kept) kept.expiresAt = expiresAt
      // The index comes last, so that it is never dropped before its sessions.
      putLine(operation, session, expiresAt)
    },
    renew: (held, expiresAt) => renew(shelf, held, expiresAt),
    listed: (operation, index, page = everything) =>
      sessionsOf(shelf, shelf.get(operation, index, 'index')?.cell.lines, page),
    openFields: (operation, key) => shelf.get(operation, key, 'fields'),
    putFields: (operation, key, fields, expiresAt) => shelf.put(operation, key, fields, expiresAt),
    delete: (key) => shelf.delete(key),
    pieces: piecesOn(
      shelf,
      (operation, key) => shelf.get(operation, key, 'pieces'),
      keyspace.now,
      share,
    ),
  }
}

type Cells = Shelf<SessionCell | IndexCell | FieldsCell | PiecesCell>

function sessionsOf(
  shelf: Pick<Cells, 'peek'>,
  lines: SessionLines | undefined,
  { limit, after }: ListPage,
): SessionCell[] {
  const sessions: SessionCell[] = []
  for (const key of lines?.keys(after) ?? []) {
    if (sessions.length >= limit) break
    // One that turns out to have expired takes its line with it.
    const cell = shelf.peek(key)?.cell
    if (cell?.kind === 'session') sessions.push(cell)
  }
  return sessions
}

function renew(
  shelf: Pick<Cells, 'get' | 'peek'>,
  held: Held<SessionCell>,
  expiresAt: number,
): void {
  const { keys } = held.cell
  held.expiresAt = expiresAt
  const state = shelf.peek(stateKey(keys))
  if (state) state.expiresAt = expiresAt
  // The index is used last, so that it is never dropped before its sessions.
  const index = shelf.get('read', keys.index, 'index')
  if (index) index.expiresAt = Math.max(index.expiresAt, expiresAt)
}

const everything: ListPage = { limit: Number.POSITIVE_INFINITY, after: undefined }

// Map entry and the line; the strings are the session's own.
function sizeOfLine(id: string): number {
  return 128 + id.length
}
