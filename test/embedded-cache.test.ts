import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'mocha'
import { failsWith } from '../contract/expectations.ts'
import { claim, finish, follow, lead, pieces, place, seen } from '../contract/filling.ts'
import { fillKey, piecesKey, purgeKey } from '../lib/keys.ts'
import type { Provider } from '../lib/ports/provider.ts'
import { embeddedProvider } from '../lib/providers/embedded/provider.ts'

const startMs = Date.UTC(2026, 10, 22)
const page = {
  vary: [],
  variant: '',
  entry: { head: Buffer.from('h'), body: Buffer.from('b') },
  ttlMs: 1_000,
  maxVariants: 4,
}

let nowMs = startMs
let store: Provider
const open = () => store
beforeEach(() => {
  nowMs = startMs
  store = embeddedProvider({ now: () => nowMs })
})

/** When a mark was purged. */
async function purgeOf(mark: string): Promise<{ hard: number; soft: number }> {
  const [purge] = await store.entries.purges([mark])
  return purge ?? { hard: Number.NaN, soft: Number.NaN }
}

describe('purges in this process', () => {
  it('never happen at the same moment, though the clock stands still or is set back', async () => {
    const times: number[] = []
    for (let step = 0; step < 5; step += 1) {
      times.push(await store.entries.clock())
      await store.entries.purge(['a'], false)
      times.push((await purgeOf('a')).hard)
      const found = await store.fills.claim(place(), claim())
      times.push(found.since)
      nowMs -= 1_000
    }
    assert.deepEqual(
      times,
      [...new Set(times)].sort((one, next) => one - next),
    )
    assert.equal(times[0], startMs * 1000)
  })

  it('are never forgotten: what there is no room for counts for everything', async () => {
    store = embeddedProvider({ now: () => nowMs, maxEntries: 8, maxBytes: 65_536 })
    await store.entries.purge(['soft'], true)
    await store.entries.purge(['first'], false)
    const [soft, first] = [await purgeOf('soft'), await purgeOf('first')]
    for (let at = 0; at < 100; at += 1) await store.entries.purge([`other-${at}`], false)
    const now = await store.entries.clock()
    for (const mark of ['first', 'soft', 'never']) {
      const purge = await purgeOf(mark)
      assert.ok(purge.hard >= first.hard && purge.soft >= soft.soft, mark)
      assert.ok(purge.hard < now, 'what is made from now on is not purged')
    }
    const [older, newest] = [await purgeOf('other-98'), await purgeOf('other-99')]
    assert.ok(newest.hard > older.hard && older.hard > (await purgeOf('never')).hard)
  })

  it('stay hard where one is made soft that there was no room for', async () => {
    store = embeddedProvider({ now: () => nowMs, maxBytes: 65_536 })
    await store.entries.purge(['first'], false)
    const { hard } = await purgeOf('first')
    for (let at = 0; at < 100; at += 1) await store.entries.purge([`other-${at}`], false)
    await store.entries.purge(['first'], true)
    assert.ok((await purgeOf('first')).hard >= hard)
  })

  it('are kept where there is room, and say nothing of other marks', async () => {
    for (let at = 0; at < 1_000; at += 1) await store.entries.purge([`t:tag-${at}`], false)
    assert.deepEqual(await purgeOf('never'), { hard: 0, soft: 0 })
  })

  it('are deleted by nobody', async () => {
    await store.entries.purge(['a'], false)
    const purge = await purgeOf('a')
    await store.set(purgeKey('a'), Buffer.from('foreign'), undefined)
    await store.deletePattern('*')
    assert.deepEqual(await purgeOf('a'), purge)
  })
})

describe('fills in this process, by its clock', () => {
  it('lapse to the millisecond', async () => {
    const at = place()
    const token = await lead(open, at, { leaseMs: 1_000 })
    nowMs += 999
    await follow(open, at)
    assert.equal(await store.fills.renew(at, token, 1_000), 'watched')
    nowMs += 999
    assert.equal(await store.fills.write(at, token, pieces(1), 1_000), true)
    nowMs += 999
    assert.deepEqual(await seen(open, at, token), ['running', '1 up to 1'])
    nowMs += 1
    assert.deepEqual(await seen(open, at, token), ['gone'])
    await lead(open, at)
  })

  it('keep their pieces for as long as they are renewed, and for a while after their end', async () => {
    const at = place()
    const token = await lead(open, at, { leaseMs: 1_000 })
    await store.fills.write(at, token, pieces(1), 1_000)
    nowMs += 999
    await store.fills.renew(at, token, 1_000)
    nowMs += 999
    await finish(open, at, token, 'failed', { keepMs: 5_000 })
    nowMs += 4_999
    assert.deepEqual(await seen(open, at, token), ['failed', '1 up to 1'])
    nowMs += 1
    assert.deepEqual(await seen(open, at, token), ['gone'])
    assert.deepEqual(await store.keys('*'), [])
  })

  it('let nobody wait to the millisecond', async () => {
    const at = place()
    await finish(open, at, await lead(open, at), 'refused', { aloneMs: 1_000 })
    nowMs += 999
    assert.equal((await store.fills.claim(at, claim())).kind, 'alone')
    nowMs += 1
    await lead(open, at)
  })

  it('leave nothing behind where nobody waits', async () => {
    const at = place()
    await finish(open, at, await lead(open, at))
    assert.deepEqual(await store.keys('*'), [])
  })

  it('are corrupt where something else stands in their place', async () => {
    const at = place()
    const lock = fillKey(at.key, at.variant)
    await store.set(lock, Buffer.from('foreign'), undefined)
    for (const attempt of [
      () => store.fills.claim(at, claim()),
      () => store.fills.renew(at, 'a', 1_000),
      () => store.fills.write(at, 'a', pieces(1), 1_000),
      () => finish(open, at, 'a'),
      () => store.fills.look(at, 'a', 0),
      () => store.entries.keep(at.key, { ...page, fill: { variant: '', token: 'a' } }),
    ])
      await failsWith('corrupt', attempt())
    assert.equal(await store.exists([at.key]), 0)
    await store.delete([lock])
    const token = await lead(open, at)
    await store.set(piecesKey(at.key, token), Buffer.from('foreign'), undefined)
    await failsWith('corrupt', store.fills.write(at, token, pieces(1), 1_000))
    await failsWith('corrupt', store.fills.look(at, token, 0))
    await failsWith('corrupt', store.entries.keep(lock, page))
  })
})
