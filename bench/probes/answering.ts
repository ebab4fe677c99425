// Before everything that makes timers.
import './timers.ts'
import { quietClient } from './clients.ts'
import { memoriesOf, storeAt } from './memories.ts'
import { ownUsage } from './own-usage.ts'

/** What a process of streams is asked to do; it answers with its usage. */
export type StreamOrder = 'begin' | 'speak' | 'hush' | 'usage' | 'end'

const [, , count = '', url] = process.argv
const store = storeAt(url)
const memoryOf = memoriesOf({ store, ttl: 3600 })
const clients = Array.from({ length: Number(count) }, quietClient)
const everyMs = 500
const beginAtOnce = 20

// One timer makes all models speak, so that none is counted that is not ours.
let speaking: NodeJS.Timeout | undefined
const waiting: (() => void)[] = []
let over = false
const turns: Promise<unknown>[] = []

async function* model(): AsyncGenerator<string> {
  for (;;) {
    await new Promise<void>((resolve) => waiting.push(resolve))
    if (over) return
    yield 'one more word, '
  }
}

function next(): void {
  for (const speak of waiting.splice(0)) speak()
}

const orders: Record<StreamOrder, () => unknown> = {
  async begin() {
    const left = clients.entries()
    const beginners = Array.from({ length: beginAtOnce }, async () => {
      for (const [at, client] of left) {
        const turn = await memoryOf(`u${at}`, 'default').turn({ role: 'user', content: 'Go on' })
        turns.push(turn.pipe(model(), client))
      }
    })
    await Promise.all(beginners)
  },
  speak() {
    speaking = setInterval(next, everyMs)
  },
  hush() {
    clearInterval(speaking)
  },
  usage() {},
  async end() {
    over = true
    next()
    await Promise.all(turns)
  },
}

// A connection is there before anything is weighed.
await store.exists('nothing')
process.on('message', async (order: StreamOrder) => {
  await orders[order]()
  const pieces = clients.reduce((sum, client) => sum + client.pieces, 0)
  process.send?.(ownUsage(pieces, clients.filter(({ writableEnded }) => !writableEnded).length))
})
process.once('disconnect', () => process.exit())
