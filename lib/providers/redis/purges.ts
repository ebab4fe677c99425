import { purgeKey } from '../../keys.ts'
import type { Entries, Purge } from '../../ports/entries.ts'
import { bySlot } from './budget-slots.ts'
import { type Client, isCluster } from './open-client.ts'
import type { Pool } from './pool.ts'
import { run } from './script.ts'
import { purge } from './scripts/purge.ts'
import { type Step, together } from './together.ts'

const again = { again: true }

// Entries live for a year at most.
const keepMs = 366 * 86_400_000

/**
 * On a Cluster the mark of an entry and the entry itself are on nodes whose clocks differ. What began
 * to be made so long before a purge, by another node's clock, counts as purged by it: clocks that
 * are kept in step differ by less.
 */
const clocksDifferBy = 500_000

type PurgePorts = Pick<Entries, 'purge' | 'purges' | 'clock'>

/** When marks were purged, on Redis: a value a mark. */
export function redisPurges(pool: Pool): PurgePorts {
  return {
    async purge(marks, soft, call) {
      const writes = bySlot(pool, marks.map(purgeKey), (key) => key).map((keys) => {
        const command = (client: Client) => run(client, purge, [...keys], [soft ? 1 : 0, keepMs])
        return pool.of(keys[0]).send('purge', command, again, call)
      })
      await Promise.all(writes)
    },
    async purges(marks, call) {
      const [first] = marks
      if (first === undefined) return []
      const read = (client: Client) => together(client, purgeSteps(client, marks))
      return purgesIn(await pool.of(purgeKey(first)).send('purges', read, again, call))
    },
    async clock(call) {
      const [seconds, micros] = await pool.of('').send('clock', timeOf, again, call)
      return Number(seconds) * 1_000_000 + Number(micros) - marginOf(pool)
    },
  }
}

/** Microseconds by which the clock of this store is told early. */
export function marginOf({ parts }: Pool): number {
  return parts === undefined ? 0 : clocksDifferBy
}

/** Reads the purges of marks: in one command where there is one server. */
export function purgeSteps(client: Client, marks: readonly string[]): Step[] {
  if (marks.length === 0) return []
  const keys = marks.map(purgeKey)
  return isCluster(client) ? keys.map((key) => ['mget', key]) : [['mget', ...keys]]
}

/** The purges in the replies to these steps. */
export function purgesIn(replies: readonly unknown[]): Purge[] {
  return (replies as (string | null)[][]).flat().map(purgeOf)
}

/**
 * What somebody else has written there may stand where a purge stood: everything counts as purged,
 * until the mark is purged again.
 */
const always: Purge = { hard: Number.MAX_SAFE_INTEGER, soft: Number.MAX_SAFE_INTEGER }

function purgeOf(text: string | null): Purge {
  if (text === null) return { hard: 0, soft: 0 }
  const [hard, soft] = /^(\d{1,16}) (\d{1,16})$/.exec(text)?.slice(1).map(Number) ?? []
  if (!Number.isSafeInteger(hard) || !Number.isSafeInteger(soft)) return always
  return { hard: hard as number, soft: soft as number }
}

function timeOf(client: Client): Promise<readonly (string | number)[]> {
  return client.time()
}
