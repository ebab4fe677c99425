import { createStore, type Store } from '../../lib/index.ts'
import { memoriesOf, said } from './memories.ts'

/** What is to be done: conversations are begun, or a turn is added to each of so many of them. */
export interface TurnsOrder {
  readonly what: 'fill' | 'turns'
  readonly sessions: number
}

const atOnce = 64
const length = 20

const [, , urls = ''] = process.argv
const store = opened(urls.split(','))
const memoryOf = memoriesOf({ store, ttl: '30d', onStoreError: 'throw' })
const messages = said(length)
const [question, reply] = [
  { role: 'user', content: said(2)[0]?.content ?? '' },
  { role: 'assistant', content: said(2)[1]?.content ?? '' },
] as const

const works: Readonly<Record<TurnsOrder['what'], (at: number) => Promise<unknown>>> = {
  fill: (at) => memoryOf(userOf(at), 'default').append(messages),
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
      await works[what](next - 1)
    }
  })
  await Promise.all(workers)
  process.send?.(sessions)
})
process.once('disconnect', () => process.exit())
// The connection is there before anything is counted.
await store.exists('nothing')
process.send?.(0)

/** Everybody has an id as databases give them. */
function userOf(at: number): string {
  return `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`
}

function opened(all: readonly string[]): Store {
  const [url = ''] = all
  return createStore(all.length === 1 ? { url, deadline: '1s' } : { cluster: all, deadline: '1s' })
}
