import type { Call } from '../../deadline.ts'
import { listKey, type SessionKeys, sealAt, stateKey } from '../../keys.ts'
import type { HistoryLog, ListCursor, Listed, ReadRange } from '../../ports/history.ts'
import { redisChanges } from './changes.ts'
import type { Connection } from './connection.ts'
import type { Client } from './open-client.ts'
import type { Pool } from './pool.ts'
import { run, runWith } from './script.ts'
import { append } from './scripts/append.ts'
import { prune } from './scripts/prune.ts'
import { remove } from './scripts/remove.ts'
import { renew } from './scripts/renew.ts'
import { metaFields, parseMeta } from './session-record.ts'
import {
  messagesStep,
  newest,
  nowhere,
  readResult,
  readSteps,
  renewKeys,
  wire,
  writeBounds,
  writeKeys,
} from './session-write.ts'
import { each, type Step, together } from './together.ts'

/** Conversations on Redis: a HASH and a LIST a session, a ZSET an owner. */
export function redisHistory(pool: Pool): HistoryLog {
  return {
    append(keys, entries, bounds, call) {
      const { ifRev = -1 } = bounds
      const args = [...writeBounds(keys, bounds), ifRev, ...entries.map(wire)] as const
      return pool.of(keys.index).send(
        'append',
        (client) => run(client, append, writeKeys(keys), [...args]),
        // Message ids make a second sending harmless, but for the `rev` it would find changed.
        { again: ifRev < 0 },
        call,
      )
    },
    read: (keys, range, call) => read(pool.of(keys.index), keys, range, call),
    list: (index, page, call) => list(pool.of(index), index, page, call),
    remove: (keys, call) =>
      pool
        .of(keys.index)
        .send(
          'remove',
          (client) =>
            run(
              client,
              remove,
              [keys.session, listKey(keys), keys.index, stateKey(keys)],
              [keys.id],
            ),
          { again: false },
          call,
        ),
    ...redisChanges(pool),
  }
}

const again = { again: true }

async function read(
  connection: Connection,
  keys: SessionKeys,
  range: ReadRange,
  call: Call | undefined,
): ReturnType<HistoryLog['read']> {
  const { before, limit } = range
  if (before === undefined) return fetch(connection, keys, newest(limit), range, call)
  const place = await placeOf(connection, keys, call)
  const found = await fetch(connection, keys, pageBefore(before, limit, place), range, call)
  // Trimmed in between: the places have moved.
  const moved = found.meta && found.meta.seq - found.meta.length !== place.seq - place.length
  if (!found.meta || !moved) return found
  return fetch(connection, keys, pageBefore(before, limit, found.meta), range, call)
}

async function fetch(
  connection: Connection,
  keys: SessionKeys,
  places: readonly [number, number],
  { before, ttlMs }: ReadRange,
  call: Call | undefined,
): ReturnType<HistoryLog['read']> {
  const send = async (client: Client) => {
    if (ttlMs === undefined) return each(client, readSteps(keys, places))
    const steps = [messagesStep(keys, places)]
    const { reply, replies } = await runWith(client, renew, renewKeys(keys), [ttlMs], steps)
    return [reply, ...replies]
  }
  const { meta, entries } = readResult(await connection.send('read', send, again, call), keys)
  return { meta, entries: entries.filter(({ seq }) => before === undefined || seq < before) }
}

/** Where a session's list begins and ends. */
interface Place {
  readonly seq: number
  readonly length: number
}

async function placeOf(
  connection: Connection,
  { session }: SessionKeys,
  call: Call | undefined,
): Promise<Place> {
  const [seq, length] = await connection.send(
    'read',
    (client) => client.hmget(session, 'seq', 'len'),
    again,
    call,
  )
  return { seq: Number(seq), length: Number(length) }
}

/** Places in the list of the messages before a position. */
function pageBefore(
  before: number,
  limit: number,
  { seq, length }: Place,
): readonly [number, number] {
  const first = seq - length + 1
  const end = Math.min(before, seq + 1) - first
  return end <= 0 || limit === 0 ? nowhere : [Math.max(0, end - limit), end - 1]
}

async function list(
  connection: Connection,
  index: string,
  { limit, after }: { readonly limit: number; readonly after: ListCursor | undefined },
  call: Call | undefined,
): Promise<readonly Listed[]> {
  const listed: Listed[] = []
  const gone: string[] = []
  let offset = 0
  let more = true
  while (more && listed.length < limit) {
    const lines = await connection.send(
      'list',
      (client) =>
        client.zrevrangebyscore(
          index,
          after?.at ?? '+inf',
          '-inf',
          'WITHSCORES',
          'LIMIT',
          offset,
          limit,
        ),
      again,
      call,
    )
    offset += limit
    more = lines.length === limit * 2
    const ids = lines.filter((_, at) => at % 2 === 0 && !isListed(lines, at, after))
    const found = await metas(connection, index, ids, call)
    listed.push(...found)
    const there = new Set(found.map(({ id }) => id))
    gone.push(...ids.filter((id) => !there.has(id)))
  }
  if (gone.length > 0)
    await connection.send('list', (client) => run(client, prune, [index], gone), again, call)
  return listed.slice(0, limit)
}

/** The sessions among these that are there. */
async function metas(
  connection: Connection,
  index: string,
  ids: readonly string[],
  call: Call | undefined,
): Promise<Listed[]> {
  if (ids.length === 0) return []
  const steps = ids.map((id): Step => ['hmgetBuffer', `${index}:${id}`, ...metaFields])
  const values = await connection.send('list', (client) => together(client, steps), again, call)
  return ids.flatMap((id, at) => {
    const meta = parseMeta(values[at], sealAt(index, id))
    return meta ? [{ id, meta }] : []
  })
}

/** Lines of the cursor's own activity come again; of those only smaller ids are still to be listed. */
function isListed(lines: string[], at: number, after: ListCursor | undefined): boolean {
  if (after === undefined || Number(lines[at + 1]) !== after.at) return false
  return (lines[at] ?? '') >= after.id
}
