import { RequestError } from '../errors.ts'
import type { SessionKeys } from '../keys.ts'
import type { FieldKeys } from '../ports/fields.ts'
import type { Entry, NewEntry, SessionMeta } from '../ports/history.ts'
import { publish } from '../telemetry.ts'
import type { Parties } from './claim.ts'
import { fieldName, type HashPlace, isReserved, mostState } from './field-form.ts'
import { forgotten, unlessRefused } from './refusal.ts'
import type { MemoryRules } from './scope.ts'
import { type SessionPage, sessionPages } from './session-pages.ts'

const pieceBytes = 128 * 1024

/**
 * Copies messages, title, meta, pin, system message and summary of a session. Message ids make a
 * second time harmless; a title given meanwhile stays.
 */
export async function copySession(
  rules: MemoryRules,
  parties: Parties,
  source: SessionKeys,
  target: SessionKeys,
): Promise<{ readonly created: boolean }> {
  let created = false
  let last: SessionMeta | undefined
  const ids = new Set<string>()
  for await (const page of sessionPages(rules.history, source)) {
    for (const { id } of page.entries) ids.add(id)
    created = (await appendPage(rules, parties, page, target)) || created
    last = page.meta
  }
  if (last === undefined) return { created }
  const made = await amendAll(rules, parties, target, last, ids)
  if (last.summary) await copySummary(rules, parties, target, last)
  return { created: created || made }
}

async function appendPage(
  { history, ttlMs }: MemoryRules,
  { from, to }: Parties,
  { entries }: SessionPage,
  target: SessionKeys,
): Promise<boolean> {
  let created = false
  for (const piece of piecesOf(entries.map((entry) => recoded(entry, from, to)))) {
    const result = await history.append(target, piece, {
      ttlMs,
      // What the guest said is kept whole; the user's next append trims.
      max: Number.MAX_SAFE_INTEGER,
      keep: Number.MAX_SAFE_INTEGER,
      ifRev: undefined,
      title: undefined,
    })
    const done = unlessRefused('claim', result)
    created = created || done?.created === true
  }
  return created
}

async function amendAll(
  { history, ttlMs }: MemoryRules,
  { from, to }: Parties,
  target: SessionKeys,
  { title, meta, pinned, system, length }: SessionMeta,
  ids: ReadonlySet<string>,
): Promise<boolean> {
  const again = (name: string, bytes: Uint8Array | undefined) =>
    bytes && to.encode(name, from.decode(name, bytes))
  const titled = again('~title', title)
  const changes = {
    // A change of a first title alone makes no session.
    ...(length > 0 ? { firstTitle: titled } : { title: titled }),
    meta: again('~meta', meta),
    pinned: pinned || undefined,
    system: system && !ids.has(system.id) ? recoded(system, from, to) : undefined,
  }
  if (Object.values(changes).every((change) => change === undefined)) return false
  const result = await history.amend(target, changes, { ttlMs, ifRev: undefined })
  return unlessRefused('claim', result)?.rev === 1
}

/** A summary reaches to a position, and the copy's positions begin anew. */
async function copySummary(
  { history, ttlMs }: MemoryRules,
  { from, to }: Parties,
  target: SessionKeys,
  { summary, seq, length }: SessionMeta,
): Promise<void> {
  const range = { limit: 0, before: undefined, ttlMs: undefined }
  const { meta } = await history.read(target, range)
  // Together with other messages it would stand for what it does not tell of.
  if (summary === undefined || meta?.length !== length) return
  // Below 1 where the guest's session has been cut past what it tells of.
  const through = Math.max(0, summary.through - seq + meta.seq)
  const payload = to.encode('~summary', from.decode('~summary', summary.payload))
  const changes = { summary: { through, after: 0, payload } }
  const result = await history.amend(target, changes, { ttlMs, ifRev: undefined })
  unlessRefused('claim', result)
}

/** Copies named values; those that are there already stay. */
export async function copyFields(
  { fields }: MemoryRules,
  parties: Parties,
  {
    kind,
    from,
    to,
    ttlMs,
  }: {
    readonly kind: HashPlace['kind']
    readonly from: FieldKeys
    readonly to: FieldKeys
    readonly ttlMs: number | undefined
  },
): Promise<void> {
  const given = [...(await fields.read(from, undefined, undefined))].filter(
    ([name]) => !isReserved(name),
  )
  if (given.length === 0) return
  const there = await fields.read(to, undefined, undefined)
  for (const [name, bytes] of given) {
    if (there.has(name)) continue
    const called = fieldName(kind, name)
    const again = parties.to.encode(called, parties.from.decode(called, bytes))
    const expected = new Map([[name, undefined]])
    const bounds = { ttlMs, max: mostState, expected }
    const written = await fields.write(to, new Map([[name, again]]), bounds)
    if (written.kind === 'forgotten') throw forgotten('claim')
    if (written.kind === 'full') {
      const error = new RequestError(413, `More than ${mostState} values of ${kind} are not kept`)
      return publish('error', () => ({ during: 'claim', error }))
    }
  }
}

function recoded(
  { id, role, tokens, payload }: Entry,
  from: Parties['from'],
  to: Parties['to'],
): NewEntry {
  return { id, role, tokens, payload: to.encode(id, from.decode(id, payload)) }
}

function* piecesOf(entries: readonly NewEntry[]): Generator<NewEntry[]> {
  let piece: NewEntry[] = []
  let bytes = 0
  for (const entry of entries) {
    if (piece.length > 0 && bytes + entry.payload.byteLength > pieceBytes) {
      yield piece
      piece = []
      bytes = 0
    }
    piece.push(entry)
    bytes += entry.payload.byteLength
  }
  if (piece.length > 0) yield piece
}
