import assert from 'node:assert/strict'
import type { Provider } from '../lib/ports/provider.ts'
import { bounds, everything, messages, minuteMs, session } from './conversation.ts'
import { within } from './expectations.ts'
import { fresh } from './names.ts'
import type { Suite } from './suite.ts'

/** What keys of every kind have in common, on every provider. */
export function keyspaceContract(suite: Suite): void {
  const { describe } = suite
  describe('keys of every kind', () => oneKeyspace(suite))
}

function oneKeyspace({ open, it }: Suite): void {
  it('are there, end, and are found by pattern', async () => {
    const group = fresh('group')
    const keys = await oneOfEach(open(), group)
    assert.equal(await open().exists(keys), keys.length)
    const found = await open().keys(`*${group}*`)
    for (const key of keys) {
      assert.ok(found.includes(key), key)
      within(await open().ttl(key), minuteMs)
      assert.equal(await open().expire(key, 5 * minuteMs), true)
      within(((await open().ttl(key)) ?? 0) - minuteMs, 4 * minuteMs)
    }
  })

  it('are deleted by name', async () => {
    const keys = await oneOfEach(open(), fresh('group'))
    for (const key of keys.slice(0, -1)) assert.equal(await open().delete([key]), 1, key)
    assert.equal(await open().exists(keys.slice(0, -1)), 0)
  })

  it('are deleted by pattern', async () => {
    const group = fresh('group')
    const keys = await oneOfEach(open(), group)
    const removed = await open().deletePattern(`*${group}*`)
    assert.ok(removed >= keys.length, `${removed} of ${keys.length} keys were removed`)
    assert.deepEqual(await open().keys(`*${group}*`), [])
    assert.equal((await open().history.read(session(group), everything)).meta, undefined)
  })

  it('are replaced by a value that is set', async () => {
    const keys = await oneOfEach(open(), fresh('group'))
    for (const key of keys) await open().set(key, Buffer.from(key), minuteMs)
    for (const key of keys) assert.deepEqual(await open().get(key), Buffer.from(key))
    assert.equal(await open().delete(keys), keys.length)
    assert.equal(await open().exists(keys), 0)
  })
}

/** Keeps one of each kind; gives their keys. */
async function oneOfEach(provider: Provider, group: string): Promise<string[]> {
  const [value, budget, counter, resource] = ['v', 'b', 'c', 'r'].map((kind) => `${group}:${kind}`)
  assert.ok(value && budget && counter && resource, 'four keys')
  const keys = session(group)
  await provider.set(value, Buffer.from('1'), minuteMs)
  await provider.budgets.charge([
    { key: budget, algorithm: 'sliding', limit: 9, windowMs: minuteMs, cost: 1 },
    { key: counter, algorithm: 'fixed', limit: 9, windowMs: minuteMs, cost: 1 },
  ])
  await provider.entries.keep(resource, {
    vary: [],
    variant: '',
    entry: { head: Buffer.from('head'), body: Buffer.from('body') },
    ttlMs: minuteMs,
    maxVariants: 4,
  })
  await provider.history.append(keys, messages('ua'), bounds())
  return [value, budget, counter, resource, keys.session, keys.index]
}
