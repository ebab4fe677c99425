import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { failsWith } from '../../contract/expectations.ts'
import { minuteMs, place } from '../../contract/filling.ts'
import { fresh } from '../../contract/names.ts'
import { purgeKey } from '../../lib/keys.ts'
import type { Provider } from '../../lib/ports/provider.ts'
import { namespaced } from '../../lib/providers/namespaced.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const dayMs = 86_400_000
const always = { hard: Number.MAX_SAFE_INTEGER, soft: Number.MAX_SAFE_INTEGER }

const page = {
  vary: [],
  variant: '',
  entry: { head: Buffer.from('h'), body: Buffer.from('b') },
  ttlMs: minuteMs,
  maxVariants: 4,
}

describe('purges on Redis', () => {
  let server: TestServer
  let proxy: CountingProxy
  let plain: Redis
  let provider: Provider
  before(async () => {
    server = await startRedis()
    plain = server.client()
    proxy = await startCountingProxy(server)
    provider = redisProvider({ url: proxy.url })
    await provider.entries.purge([fresh('mark')], false)
  })
  after(async () => {
    await provider.close()
    await proxy.close()
    await server.stop()
  })

  it('are read with an entry in one round trip and one command more; without marks in none', async () => {
    const { key } = place()
    const marks = [fresh('mark'), fresh('mark'), fresh('mark')]
    for (const [variant, more] of [
      ['', 0],
      ['html', 1],
    ] as const) {
      proxy.reset()
      await provider.entries.find(key, variant, [])
      assert.deepEqual(proxy.counts, { HMGET: 1 + more })
      proxy.reset()
      await provider.entries.find(key, variant, marks)
      assert.deepEqual(proxy.counts, { HMGET: 1 + more, MGET: 1 })
      assert.equal(proxy.roundTrips, 1)
    }
  })

  it('take one command, however many marks, and none for no mark', async () => {
    proxy.reset()
    await provider.entries.purge([fresh('mark'), fresh('mark'), fresh('mark')], false)
    assert.deepEqual(proxy.counts, { EVALSHA: 1 })
    proxy.reset()
    await provider.entries.purge([], false)
    await provider.entries.purges([])
    assert.deepEqual(proxy.counts, {})
  })

  it('are kept for 366 days, as two whole numbers', async () => {
    const mark = fresh('mark')
    await provider.entries.purge([mark], true)
    await provider.entries.purge([mark], false)
    const [purge] = await provider.entries.purges([mark])
    assert.equal(await plain.get(purgeKey(mark)), `${purge?.hard} ${purge?.soft}`)
    const left = await plain.pttl(purgeKey(mark))
    assert.ok(left > 365.9 * dayMs && left <= 366 * dayMs, `${left}`)
  })

  it('go by the clock of the server', async () => {
    const time = async () => {
      const [seconds, micros] = await plain.time()
      return Number(seconds) * 1_000_000 + Number(micros)
    }
    const mark = fresh('mark')
    const before = await time()
    const clock = await provider.entries.clock()
    await provider.entries.purge([mark], false)
    const [purge] = await provider.entries.purges([mark])
    const { since } = await provider.fills.claim(place(), {
      token: 'a',
      runner: 'r',
      leaseMs: minuteMs,
    })
    const later = await time()
    const all = [before, clock, purge?.hard ?? 0, since, later]
    assert.deepEqual(
      all,
      [...all].sort((one, next) => one - next),
    )
    assert.equal(new Set(all).size, all.length)
  })

  it('are strictly before what is claimed after them, a thousand times', async () => {
    const mark = fresh('mark')
    const steps = Array.from({ length: 1000 }, async () => {
      const purged = provider.entries.purge([mark], false)
      const told = provider.entries.purges([mark])
      const claimed = provider.fills.claim(place(), { token: 'a', runner: 'r', leaseMs: 1000 })
      const clock = provider.entries.clock()
      await purged
      const [purge] = await told
      return [purge?.hard ?? 0, (await claimed).since, await clock] as const
    })
    for (const [hard, since, clock] of await Promise.all(steps))
      assert.ok(hard > 0 && since > hard && clock > since, `${hard} ${since} ${clock}`)
  })

  it('are put behind the prefix of a store', async () => {
    const mark = fresh('mark')
    const outer = namespaced(namespaced(provider, 'in:'), 'out:')
    await outer.entries.purge([mark], false)
    assert.deepEqual(await plain.keys(`*${mark}*`), [`in:out:${purgeKey(mark)}`])
    const [purge] = await outer.entries.purges([mark])
    assert.ok(purge && purge.hard > 0)
    assert.deepEqual((await outer.entries.find(place().key, '', [mark])).purges, [purge])
    assert.deepEqual(await provider.entries.purges([mark]), [{ hard: 0, soft: 0 }])
  })

  for (const text of ['', 'foreign', '1', '1 ', '1 2 3', '-1 2', '1 x', '1.5 2', `${2 ** 60} 1`])
    it(`hold everything for purged under ${JSON.stringify(text)}, until the next`, async () => {
      const mark = fresh('mark')
      const { key } = place()
      await provider.entries.keep(key, page)
      await plain.set(purgeKey(mark), text)
      assert.deepEqual(await provider.entries.purges([mark]), [always])
      assert.deepEqual((await provider.entries.find(key, '', [mark])).purges, [always])
      const before = await provider.entries.clock()
      await provider.entries.purge([mark], true)
      const [purge] = await provider.entries.purges([mark])
      const now = await provider.entries.clock()
      for (const at of [purge?.hard, purge?.soft]) assert.ok(at && at > before && at < now, `${at}`)
    })

  it('are not taken back where the clock was set back', async () => {
    const mark = fresh('mark')
    const ahead = (await provider.entries.clock()) + 3_600_000_000
    await plain.set(purgeKey(mark), `${ahead} ${ahead + 1}`)
    for (const soft of [true, false]) await provider.entries.purge([mark], soft)
    assert.deepEqual(await provider.entries.purges([mark]), [{ hard: ahead, soft: ahead + 1 }])
  })

  it('take the place of whatever stands there', async () => {
    const mark = fresh('mark')
    await plain.rpush(purgeKey(mark), 'foreign')
    const before = await provider.entries.clock()
    await provider.entries.purge([mark], true)
    const [purge] = await provider.entries.purges([mark])
    assert.ok(purge && purge.hard > before && purge.soft > before)
  })
})

describe('amending on Redis', () => {
  let server: TestServer
  let provider: Provider
  before(async () => {
    server = await startRedis()
    provider = redisProvider({ url: server.url, maxValueBytes: 1000 })
    await provider.get('any')
  })
  after(async () => {
    await provider.close()
    await server.stop()
  })

  it('refuses a head that is too large', async () => {
    const { key } = place()
    await provider.entries.keep(key, page)
    await failsWith('full', provider.entries.amend(key, '', Buffer.alloc(1001), minuteMs))
  })

  it('takes what stands in the place of a response for corrupt', async () => {
    const { key } = place()
    await server.client().set(key, 'foreign')
    await server.client().set(`${key}:html`, 'foreign')
    for (const variant of ['', 'html'])
      await failsWith('corrupt', provider.entries.amend(key, variant, Buffer.from('h'), minuteMs))
  })

  it('drops what stands in the place of a response, so that one can be kept again', async () => {
    const { key } = place()
    await server.client().set(key, 'foreign')
    await failsWith('corrupt', provider.entries.keep(key, page))
    await provider.entries.drop(key)
    assert.equal(await provider.entries.keep(key, page), true)
  })

  it('amends no variant that its resource does not know any more', async () => {
    const { key } = place()
    await provider.entries.keep(key, { ...page, vary: ['accept'], variant: 'html' })
    await server.client().del(key)
    assert.equal(await provider.entries.amend(key, 'html', Buffer.from('h'), minuteMs), false)
    assert.equal(await server.client().exists(key), 0)
  })
})
