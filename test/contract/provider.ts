import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import type { Provider } from '../../lib/ports/provider.ts'
import { budgetsContract } from './budgets.ts'
import { bounds, everything, messages, minuteMs, session } from './conversation.ts'
import { entriesContract } from './entries.ts'
import { historyContract } from './history.ts'
import { keyValueContract } from './key-value.ts'
import { fresh, type Opened, type ProviderFactory, type Subject, within } from './subject.ts'

/** Everything a provider must do. */
export function providerContract({ name, create }: ProviderFactory): void {
  describe(`provider ${name}`, () => {
    let subject: Subject | undefined
    before(async () => {
      subject = await create()
    })
    after(() => subject?.close())
    const open = (): Provider => {
      assert.ok(subject, 'the provider was not made')
      return subject.provider
    }

    keyValueContract(open)
    historyContract(open)
    budgetsContract(open)
    entriesContract(open)
    describe('keys of every kind', () => oneKeyspace(open))
    describe('its life', () => life(create))
  })
}

/** Keeps one of each kind; gives their keys. */
async function oneOfEach(provider: Provider, group: string): Promise<string[]> {
  const [value, budget, counter, resource] = ['v', 'b', 'c', 'r'].map((kind) => `${group}:${kind}`)
  assert.ok(value && budget && counter && resource)
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

function oneKeyspace(open: Opened): void {
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
    assert.ok((await open().deletePattern(`*${group}*`)) >= keys.length)
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

function life(create: ProviderFactory['create']): void {
  it('has a name', async () => {
    const { provider, close } = await create()
    assert.match(provider.name, /^[a-z][a-z0-9-]*$/)
    await close()
  })

  it('ends once, however often it is closed', async () => {
    const { provider, close } = await create()
    await provider.set(fresh(), Buffer.from('1'), minuteMs)
    await provider.close()
    await provider.close()
    await close()
  })
}
