// Before everything that makes timers.
import './timers.ts'
import type { StreamOrder } from './answering.ts'
import { quietClient } from './clients.ts'
import { memoriesOf, storeAt } from './memories.ts'
import { ownUsage } from './own-usage.ts'

const [, , count = '', url] = process.argv
const store = storeAt(url)
const memoryOf = memoriesOf({ store, ttl: 3600 })
const clients = Array.from({ length: Number(count) }, quietClient)
const followAtOnce = 20
let open = 0
const followed: Promise<unknown>[] = []

async function follow(at: number, client: (typeof clients)[number]): Promise<void> {
  const begun = new Promise<void>((resolve) => {
    // The answer begins once it is known that there is one.
    client.setHeader = () => resolve()
  })
  open += 1
  const resumed = memoryOf(`u${at}`, 'default')
    .resume(client)
    .finally(() => {
      open -= 1
    })
  followed.push(resumed)
  await Promise.race([begun, resumed])
}

const orders: Partial<Record<StreamOrder, () => unknown>> = {
  async begin() {
    const left = clients.entries()
    const beginners = Array.from({ length: followAtOnce }, async () => {
      for (const [at, client] of left) await follow(at, client)
    })
    await Promise.all(beginners)
  },
  end: () => Promise.all(followed),
}

// A connection is there before anything is weighed.
await store.exists('nothing')
process.on('message', async (order: StreamOrder) => {
  await orders[order]?.()
  const pieces = clients.reduce((sum, client) => sum + client.pieces, 0)
  process.send?.(ownUsage(pieces, open))
})
process.once('disconnect', () => process.exit())
