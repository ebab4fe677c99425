import type { Call } from '../../deadline.ts'
import { listKey, type OwnerKeys, type SessionKeys, stateKey } from '../../keys.ts'
import type { ChangeBounds, Changes, HistoryLog, NewEntry } from '../../ports/history.ts'
import { redacted } from '../../redact.ts'
import type { Connection } from './connection.ts'
import type { Client } from './open-client.ts'
import type { Pool } from './pool.ts'
import { run } from './script.ts'
import { type AmendArgs, amend } from './scripts/amend.ts'
import { forget } from './scripts/forget.ts'
import { fork } from './scripts/fork.ts'
import { rewind } from './scripts/rewind.ts'
import { shrink } from './scripts/shrink.ts'
import { update } from './scripts/update.ts'

type Changing = 'amend' | 'update' | 'rewind' | 'fork' | 'shrink' | 'forget'

const tombMs = 5000

/** Sessions that one script removes: it holds others up for about a millisecond. */
const most = 50

/** Changes of whole sessions. */
export function redisChanges(pool: Pool): Pick<HistoryLog, Changing> {
  function send<T>(
    operation: string,
    { index }: OwnerKeys,
    command: (client: Client) => Promise<T>,
    options: { readonly again: boolean },
    call: Call | undefined,
  ): Promise<T> {
    return pool.of(index).send(operation, command, options, call)
  }

  return {
    amend: (keys, changes, bounds, call) => {
      const args: AmendArgs = [
        ...boundsOf(keys, bounds),
        ...besideOf(changes),
        ...summaryOf(changes),
      ]
      const command = (client: Client) => run(client, amend, keysOf(keys), args)
      return send('amend', keys, command, againUnless(bounds), call)
    },
    update: (keys, entry, bounds, call) => {
      const { id, role, tokens, payload } = entry
      const message = [id, role, tokens, redacted(payload)] as const
      const command = (client: Client) =>
        run(client, update, keysOf(keys), [...boundsOf(keys, bounds), ...message])
      return send('update', keys, command, againUnless(bounds), call)
    },
    rewind: (keys, id, bounds, call) => {
      const command = (client: Client) =>
        run(client, rewind, keysOf(keys), [...boundsOf(keys, bounds), id])
      return send('rewind', keys, command, once, call)
    },
    fork: (keys, to, through = '', ttlMs = 0, call) => {
      const command = (client: Client) =>
        run(
          client,
          fork,
          [...placesOf(keys), ...placesOf(to), keys.index, keys.gone],
          [ttlMs, keys.seal, to.seal, to.id, through],
        )
      return send('fork', keys, command, once, call)
    },
    shrink: ({ index }, max, call) => shrinkIndex(pool.of(index), index, max, call),
    forget: (owner, call) => forgetOwner(pool.of(owner.index), owner, call),
  }
}

const once = { again: false }

/** A change made twice is made, but for the `rev` it would find changed. */
function againUnless({ ifRev }: ChangeBounds): { readonly again: boolean } {
  return { again: ifRev === undefined }
}

type Places = [session: string, list: string, state: string]

function placesOf(keys: SessionKeys): Places {
  return [keys.session, listKey(keys), stateKey(keys)]
}

type Keys = [session: string, list: string, index: string, gone: string, state: string]

function keysOf(keys: SessionKeys): Keys {
  return [keys.session, listKey(keys), keys.index, keys.gone, stateKey(keys)]
}

type Bounds = [ttlMs: number, ifRev: number, seal: string, id: string]

function boundsOf({ seal, id }: SessionKeys, { ttlMs = 0, ifRev = -1 }: ChangeBounds): Bounds {
  return [ttlMs, ifRev, seal, id]
}

async function shrinkIndex(
  connection: Connection,
  index: string,
  max: number,
  call: Call | undefined,
): Promise<readonly string[]> {
  const gone: string[] = []
  for (let from: number | undefined = 0; from !== undefined; ) {
    const at: number = from
    const { removed, next } = await connection.send(
      'shrink',
      (client) => run(client, shrink, [index], [max, at, most]),
      once,
      call,
    )
    gone.push(...removed)
    from = next
  }
  return gone
}

async function forgetOwner(
  connection: Connection,
  { index, gone, preferences }: OwnerKeys,
  call: Call | undefined,
): Promise<number> {
  let count = 0
  for (let more = true; more; ) {
    const { removed, left } = await connection.send(
      'forget',
      (client) => run(client, forget, [index, gone, preferences], [tombMs, most]),
      { again: true },
      call,
    )
    count += removed
    more = left > 0
  }
  return count
}

type Beside = [
  title: string,
  titleBytes: Buffer,
  firstTitle: string,
  firstTitleBytes: Buffer,
  meta: string,
  metaBytes: Buffer,
  pinned: string,
  system: string,
  systemHeader: string,
  systemBytes: Buffer,
]

function besideOf({ title, firstTitle, meta, pinned, system }: Changes): Beside {
  return [
    ...change(title),
    ...change(firstTitle),
    ...change(meta),
    pinned === undefined ? '' : String(Number(pinned)),
    op(system),
    system ? headerOf(system) : '',
    redacted(system?.payload ?? ''),
  ]
}

function headerOf({ id, role, tokens }: NewEntry): string {
  return `${id}|${role}|${tokens}|`
}

function summaryOf({
  summary,
}: Changes): [summary: string, through: number, after: number, bytes: Buffer] {
  const { through = 0, after = 0, payload = '' } = summary ?? {}
  return [op(summary), through, after, redacted(payload)]
}

/** Whether to set (`1`), to remove (`0`) or to leave, and the bytes. */
function change(bytes: Uint8Array | null | undefined): [op: string, bytes: Buffer] {
  return [op(bytes), redacted(bytes ?? '')]
}

function op(value: unknown): string {
  if (value === undefined) return ''
  return value === null ? '0' : '1'
}
