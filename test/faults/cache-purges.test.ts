import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'mocha'
import { frameworks } from '../support/apps.ts'
import { factOf, type Pair, startPair } from '../support/cache-process.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const l1Ms = 2000

for (const { name: framework } of frameworks) {
  describe(`purges that two processes of ${framework} hear of`, function () {
    this.timeout(60_000)
    let server: TestServer
    let pair: Pair
    let named = 0

    before(async () => {
      server = await startRedis()
      const store = { url: server.url, deadline: '1s' }
      const cache = { ttl: '5m', l1: { ttl: `${l1Ms}ms` } } as const
      pair = await startPair({ framework, store, cache, scoped: true })
    })
    beforeEach(() => {
      named += 1
    })
    after(async () => {
      await Promise.all(pair.map((each) => each.stop()))
      await server.stop()
    })

    const ours = (): { headers: Record<string, string> } => ({
      headers: { 'x-tenant': `tenant-${named}` },
    })

    /** Both have it at hand: to find it again, neither asks Redis. */
    async function atHand(path: string): Promise<string> {
      const [one, two] = pair
      const { body } = await one.get(path, ours())
      for (const each of [one, two])
        await eventually('it is at hand', async () => {
          const before = await looks()
          const reply = await each.get(path, ours())
          return (reply.body === body && (await looks()) === before) || undefined
        })
      return body
    }

    /** How often Redis was asked for an entry. */
    async function looks(): Promise<string | undefined> {
      const told = await server.client().info('commandstats')
      return /^cmdstat_hmget:calls=(\d+)/m.exec(told)?.[1]
    }

    const whats = {
      tag: (_path: string) => ({ tags: [`tag-${named}`] }),
      url: (path: string) => ({ url: path }),
      scope: (_path: string) => ({ scope: `tenant-${named}` }),
    }
    for (const [name, what] of Object.entries(whats)) {
      it(`reach what both have at hand (by ${name})`, async () => {
        const path = `/?purged=${named}&tag=tag-${named}`
        const old = await atHand(path)
        const [one, two] = pair
        assert.equal(await one.purge(what(path)), 'purged')
        assert.notEqual((await one.get(path, ours())).body, old)
        await eventually(
          'the other has heard of it',
          async () => (await two.get(path, ours())).body !== old || undefined,
          { withinMs: l1Ms / 2, everyMs: 5 },
        )
        for (let at = 0; at < 100; at += 1) assert.notEqual((await two.get(path, ours())).body, old)
      })

      it(`catch what the other is making (by ${name})`, async () => {
        const path = `/?gate=making-${named}&tag=tag-${named}`
        const [one, two] = pair
        const made = two.ask(path, ours())
        await eventually('it runs', async () => (await two.runs(`making-${named}&`)) || undefined)
        assert.equal(await one.purge(what(path)), 'purged')
        two.open(`making-${named}`)
        one.open(`making-${named}`)
        const { body } = await made.reply
        for (const each of [two, one, two])
          assert.notEqual((await each.get(path, ours())).body, body)
      })
    }

    it('leave the answers of others', async () => {
      const path = `/?others=${named}&tag=tag-${named}`
      const other = { headers: { 'x-tenant': 'other' } }
      const { body } = await pair[0].get(path, other)
      const old = await atHand(path)
      assert.equal(await pair[0].purge({ scope: `tenant-${named}` }), 'purged')
      await eventually(
        'it is purged',
        async () => (await pair[1].get(path, ours())).body !== old || undefined,
      )
      for (const each of pair) assert.equal((await each.get(path, other)).body, body)
    })

    /** The other may not hear of the purge: after the time of what is at hand it must not matter. */
    async function checkUnheard(lose: () => Promise<unknown>): Promise<void> {
      const path = `/?unheard=${named}&tag=tag-${named}`
      const old = await atHand(path)
      const [one, two] = pair
      await lose()
      assert.equal(await one.purge({ tags: [`tag-${named}`] }), 'purged')
      const at = performance.now()
      assert.notEqual((await one.get(path, ours())).body, old)
      while (performance.now() - at < l1Ms + 500) {
        const asked = performance.now()
        const { body } = await two.get(path, ours())
        assert.ok(body !== old || asked - at <= l1Ms, 'what was purged is still given')
      }
      assert.match(factOf(await two.get(path, ours())), /hit/)
    }

    it('hold after the time of what is at hand where their messages may not be sent', async () => {
      const client = server.client()
      try {
        await checkUnheard(() => client.call('ACL', 'SETUSER', 'default', 'resetchannels'))
      } finally {
        await client.call('ACL', 'SETUSER', 'default', 'allchannels')
      }
    })

    it('hold after the time of what is at hand where nobody can listen for long', async () => {
      const client = server.client()
      let killing = true
      const kill = async (): Promise<void> => {
        while (killing) await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      }
      let killed: Promise<void> | undefined
      try {
        await checkUnheard(async () => {
          killed = kill()
        })
      } finally {
        killing = false
        await killed
      }
    })
  })
}
