import { cached, createStore, embeddedProvider, type Store } from '../../lib/index.ts'
import type { KeysOperation } from '../keys.ts'
import { memoriesOf } from './memories.ts'

/** What came of stores of different sizes, in the order of their sizes. */
export interface KeysResult {
  /** How many keys each has. */
  readonly keys: readonly number[]
  /** Microseconds of each operation: a list a size. */
  readonly micros: Readonly<Record<KeysOperation, readonly (readonly number[])[]>>
  /** Results that were given although their tag had been purged. */
  readonly outlived: number
}

type Runs = Readonly<Record<KeysOperation, () => Promise<unknown>>>

/** Of each: enough that one in a hundred says something. */
const samples = 500
const warmUp = 100
const sessionsOfUser = 20
const atOnce = 64
const tag = 'news'
const exchange = [
  { role: 'user', content: 'What is kept, and for how long?' },
  { role: 'assistant', content: 'That depends on what you mean by it.' },
] as const

const [, , given = '', url] = process.argv
const stores: Awaited<ReturnType<typeof filled>>[] = []
for (const [at, size] of given.split(',').map(Number).entries()) stores.push(await filled(size, at))

const micros: Record<KeysOperation, number[][]> = {
  history: stores.map(() => []),
  list: stores.map(() => []),
  'list of many': stores.map(() => []),
  purge: stores.map(() => []),
}
for (let sample = -warmUp; sample < samples; sample += 1) {
  // By turns: what slows the machine slows all of them.
  for (let turn = 0; turn < stores.length; turn += 1) {
    const at = (turn + sample + warmUp) % stores.length
    for (const operation of Object.keys(micros) as KeysOperation[]) {
      const began = performance.now()
      await stores[at]?.runs[operation]()
      if (sample >= 0) micros[operation][at]?.push((performance.now() - began) * 1000)
    }
  }
}
const outlived = await Promise.all(stores.map((each) => each.outlived()))
process.send?.({
  keys: await Promise.all(stores.map(({ store }) => store.dbsize())),
  micros,
  outlived: outlived.filter(Boolean).length,
} satisfies KeysResult)
process.once('disconnect', () => process.exit())

/** A store with about so many keys: half of them of sessions, half results that carry one tag. */
async function filled(size: number, database: number) {
  const store = place(size, database)
  const memoryOf = memoriesOf({ store, ttl: '1d' })
  const result = cached(async (at: number) => `The result of ${at}`, {
    ...{ name: 'result', store, ttl: '1d', tags: [tag], coalesce: false },
  })
  // A session is two keys on Redis. A tenth of all are one user's; of the others each has 20.
  const sessions = size / (url === undefined ? 2 : 4)
  const ofOne = sessions / 10
  const userOf = (at: number) => (at < ofOne ? 'one' : `u${Math.floor(at / sessionsOfUser)}`)
  const open = (at: number) => memoryOf(userOf(at), `s${at}`)
  await inTurns(sessions, (at) => open(at).append([...exchange]))
  await inTurns(size / 2, result)
  const middle = open(Math.floor((sessions + ofOne) / 2))
  const { sessions: many } = open(0)
  const purge = () => store.purge({ tags: [tag] })
  const runs: Runs = {
    history: () => middle.history({ limit: 20 }),
    list: () => middle.sessions.list(),
    'list of many': () => many.list(),
    purge,
  }
  return {
    ...{ store, runs },
    /** Whether a result that is kept is still given once its tag is purged. */
    async outlived() {
      await result(0)
      const kept = (await result.withStatus(0)).status === 'hit'
      await purge()
      return !kept || (await result.withStatus(0)).status !== 'miss'
    },
  }
}

function place(size: number, database: number): Store {
  // A machine that does other work besides is no reason to go on without the store.
  if (url !== undefined) return createStore({ url: `${url}/${database}`, deadline: '1s' })
  // Results have an eighth of it.
  return createStore({
    provider: embeddedProvider({ maxEntries: size * 8, maxBytes: 64 * 1024 ** 3 }),
  })
}

async function inTurns(count: number, work: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const workers = Array.from({ length: atOnce }, async () => {
    while (next < count) {
      next += 1
      await work(next - 1)
    }
  })
  await Promise.all(workers)
}
