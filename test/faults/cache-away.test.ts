import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { frameworks } from '../support/apps.ts'
import { type Asked, factOf, type Pair, type Reply, startPair } from '../support/cache-process.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

// Nobody hangs: what is asked of a store that is away is answered within a few of its deadlines.
const soon = { withinMs: 8000 }

/** The reply, once it has come; an error where that takes too long. */
async function answered({ reply }: Asked): Promise<Reply> {
  let come: Reply | undefined
  void reply.then((given) => {
    come = given
  })
  return eventually('it is answered', async () => come, soon)
}

for (const { name: framework } of frameworks) {
  describe(`answers over a Redis that is away, on two processes of ${framework}`, function () {
    this.timeout(60_000)
    let server: TestServer
    let pair: Pair
    let named = 0

    before(async () => {
      server = await startRedis()
      const store = { url: server.url, deadline: '500ms' }
      pair = await startPair({ framework, store, cache: { ttl: '5m' } })
    })
    beforeEach(() => {
      named += 1
    })
    afterEach(() => server.thaw())
    after(async () => {
      await Promise.all(pair.map((each) => each.stop()))
      await server.stop()
    })

    const lose = async (how: 'frozen' | 'killed') =>
      how === 'frozen' ? server.freeze() : server.kill()
    const find = async (how: 'frozen' | 'killed') =>
      how === 'frozen' ? server.thaw() : server.restart()

    /** Both make together, and keep, what neither has seen. */
    async function checkNormal(): Promise<void> {
      for (const [at, each] of pair.entries())
        await eventually('it shares again', async () => {
          named += 1
          const path = `/?normal=${named}`
          const { body } = await each.get(path)
          const again = await (pair[1 - at] as Pair[0]).get(path)
          return (again.body === body && /hit|collapsed/.test(factOf(again))) || undefined
        })
    }

    for (const how of ['frozen', 'killed'] as const) {
      it(`are made by each for itself while it is ${how}, and together afterwards`, async () => {
        const path = `/?alone=${how}`
        await lose(how)
        for (const each of [...pair, ...pair]) {
          const asked = each.ask(path)
          const reply = await answered(asked)
          assert.equal(reply.status, 200)
          assert.equal(reply.headers['x-degraded'], 'true')
          assert.match(factOf(reply), /fwd=bypass; detail=store/)
        }
        for (const each of pair) assert.equal(await each.runs(path.slice(2)), 2)
        await find(how)
        await checkNormal()
      })

      it(`are made by those who wait in another process where it is ${how} meanwhile`, async () => {
        const path = `/?gate=wait${named}`
        const [one, two] = pair
        const made = one.ask(path)
        await eventually('it runs', async () => (await one.runs(path.slice(2))) || undefined)
        const { arrived } = await two.look()
        const waiting = Array.from({ length: 20 }, () => two.ask(path))
        await eventually(
          'they wait',
          async () => (await two.look()).arrived === arrived + 20 || undefined,
        )
        await lose(how)
        await eventually('they run', async () => (await two.runs(path.slice(2))) || undefined, soon)
        for (const each of pair) each.open(`wait${named}`)
        const replies = await Promise.all([made, ...waiting].map(answered))
        assert.ok(replies.every(({ status, whole }) => status === 200 && whole))
        await find(how)
        await checkNormal()
      })

      it(`reach their client where it is ${how} while they are made, and the next one`, async () => {
        const path = `/?gate=fill${named}&stream=3`
        const [one, two] = pair
        const made = one.ask(path)
        await eventually('the first event', async () => made.text() || undefined)
        await lose(how)
        one.open(`fill${named}`, 3)
        const reply = await answered(made)
        assert.deepEqual([reply.whole, reply.body.match(/^id/gm)?.length], [true, 3])
        await find(how)
        two.open(`fill${named}`, 3)
        const next = await two.get(path)
        assert.deepEqual([next.status, next.whole], [200, true])
        assert.equal(next.body.match(/^id/gm)?.length, 3)
        await checkNormal()
      })

      it(`are not purged while it is ${how}: the purge rejects`, async () => {
        const path = `/?purged=${how}&tag=${how}`
        await pair[0].get(path)
        await lose(how)
        assert.equal(await pair[0].purge({ tags: [how] }), 'StoreError')
        assert.equal(await pair[0].purge({ url: path }), 'StoreError')
        await find(how)
        await eventually(
          'a purge resolves',
          async () => (await pair[0].purge({ tags: [how] })) === 'purged' || undefined,
        )
        await checkNormal()
      })
    }

    it('are shared after the scripts of Redis are gone', async () => {
      const { body } = await pair[0].get('/?flushed=1')
      await server.client().script('FLUSH')
      assert.equal((await pair[1].get('/?flushed=1')).body, body)
      const made = pair[0].ask('/?gate=flushed')
      await eventually('it runs', async () => (await pair[0].runs('gate=flushed')) || undefined)
      await server.client().script('FLUSH')
      const other = pair[1].ask('/?gate=flushed')
      await server.client().script('FLUSH')
      pair[0].open('flushed')
      assert.equal((await other.reply).body, (await made.reply).body)
      assert.equal(await pair[1].runs('gate=flushed'), 0)
    })

    it('are made anew after all of Redis is gone', async () => {
      const client = server.client()
      const kept = async () => {
        const [, hashes] = await client.scan(0, 'COUNT', 100_000, 'TYPE', 'hash')
        const bodies = await Promise.all(hashes.map((key) => client.hexists(key, 'body')))
        return bodies.filter((each) => each === 1).length
      }
      const until = await kept()
      const { body } = await pair[0].get('/?gone=1')
      await eventually('it is kept', async () => (await kept()) > until || undefined)
      await client.flushall()
      // The other process has nothing at hand.
      const again = await pair[1].get('/?gone=1')
      assert.notEqual(again.body, body)
      await checkNormal()
    })
  })
}
