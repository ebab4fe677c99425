import { setTimeout as sleep } from 'node:timers/promises'
import { createStore, type Store, StoreError } from '../../lib/index.ts'
import { memoriesOf, said } from './memories.ts'

/** What is to be done: conversations are begun, or a turn is added to each of so many of them. */
export interface TurnsOrder {
  readonly what: 'fill' | 'turns'
  readonly sessions: number
}

const atOnce = 16
const attempts = 10
const length = 20

const [, , urls = ''] = process.argv
const store = opened(urls.split(','))
const memoryOf = memoriesOf({ store, ttl: '30d', onStoreError: 'error' })
const messages = said(length)
const [question, reply] = [
  { role: 'user', content: said(2)[0]?.content ?? '' },
  { role: 'assistant', content: said(2)[1]?.content ?? '' },
] as const

const works: Readonly<Record<TurnsOrder['what'], (at: number) => Promise<unknown>>> = {
  async fill(at) {
    const memory = memoryOf(userOf(at), 'default')
    await memory.delete()
    await memory.append(messages)
  },
  async turns(at) {
    const turn = await memoryOf(userOf(at), 'default').turn(question)
    await turn.context()
    await turn.commit(reply)
  },
}

process.on('message', async (given) => {
  const { what, sessions } = JSON.parse(String(given)) as TurnsOrder
  let next = 0
  const workers = Array.from({ length: atOnce }, async () => {
    while (next < sessions) {
      next += 1
      const at = next - 1
      await patiently(() => works[what](at))
    }
  })
  await Promise.all(workers)
  process.send?.(sessions)
})
process.once('disconnect', () => process.exit())
// The connection is there before anything is counted.
await store.exists('nothing')
process.send?.(0)

/** On a machine that is busy otherwise Redis may be late, and is asked once more. */
async function patiently(work: () => Promise<unknown>): Promise<void> {
  for (let left = attempts; ; left -= 1) {
    try {
      await work()
      return
    } catch (error) {
      if (left === 0 || !(error instanceof StoreError)) throw error
      await sleep(500)
    }
  }
}

/** Everybody has an id as databases give them. */
function userOf(at: number): string {
  return `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`
}

function opened(all: readonly string[]): Store {
  const [url = ''] = all
  return createStore(all.length === 1 ? { url, deadline: '1s' } : { cluster: all, deadline: '1s' })
}
