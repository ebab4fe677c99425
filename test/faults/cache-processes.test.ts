import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { frameworks } from '../support/apps.ts'
import type { Seen } from '../support/cache-app.ts'
import { factOf, type Pair, type Reply, type Sent, startPair } from '../support/cache-process.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

interface Crowd {
  readonly replies: readonly Reply[]
  /** How often the handler ran for them. */
  readonly runs: number
}

const events = (name: string, from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, at) => at + from)
    .map((at) => `id: ${at}\ndata: ${name} ${at}\n\n`)
    .join('')

for (const { name: framework } of frameworks) {
  describe(`answers that two processes of ${framework} make together`, function () {
    this.timeout(60_000)
    let server: TestServer
    let pair: Pair

    before(async () => {
      server = await startRedis()
      const store = { url: server.url, deadline: '1s' }
      const cache = { ttl: '5m', methods: ['GET', 'POST'] } as const
      pair = await startPair({ framework, store, cache })
    })
    after(async () => {
      await Promise.all(pair.map((each) => each.stop()))
      await server.stop()
    })

    const runs = async (query: string): Promise<number> => {
      const [one, two] = await Promise.all(pair.map((each) => each.runs(query)))
      return (one ?? 0) + (two ?? 0)
    }
    const sum = async (of: (seen: Seen) => number): Promise<number> => {
      const [one, two] = await Promise.all(pair.map((each) => each.look()))
      return (one ? of(one) : 0) + (two ? of(two) : 0)
    }
    const open = (gate: string, steps?: number): void => {
      for (const each of pair) each.open(gate, steps)
    }

    /**
     * 500 requests that are all there before the gate is opened. A machine that is too busy for Redis to
     * answer in time says nothing about sharing: they are sent again.
     */
    async function fiveHundred(name: string, query: string, sent: Sent = {}): Promise<Crowd> {
      for (let attempt = 1; ; attempt += 1) {
        const gate = `${name}-${attempt}`
        const [arrived, troubles] = [
          await sum((seen) => seen.arrived),
          await sum((seen) => seen.troubles),
        ]
        const asked = Array.from({ length: 500 }, (_, at) =>
          pair[at % 2 ? 1 : 0].get(`/?gate=${gate}${query}`, sent),
        )
        await eventually(
          'all have arrived',
          async () => (await sum((seen) => seen.arrived)) - arrived >= 500 || undefined,
        )
        open(gate)
        const replies = await Promise.all(asked)
        assert.deepEqual(
          replies.filter(({ status, whole }) => status !== 200 || !whole),
          [],
        )
        if (attempt === 4 || (await sum((seen) => seen.troubles)) === troubles)
          return { replies, runs: await runs(gate) }
      }
    }

    for (const [what, sent] of [
      ['a GET', {}],
      [
        'a POST with a JSON body',
        {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"question":"why"}',
        },
      ],
    ] as const) {
      it(`are made by one run where 500 ask at once with ${what}`, async () => {
        const name = what.replaceAll(' ', '-')
        const { replies, runs } = await fiveHundred(name, '', sent)
        assert.equal(runs, 1)
        const bodies = [...new Set(replies.map(({ body }) => body))]
        assert.equal(bodies.length, 1)
        assert.equal(bodies[0]?.replace(/^\d+\.\d+ /, ''), 'body' in sent ? sent.body : '')
        assert.equal(replies.filter((reply) => factOf(reply).includes('stored')).length, 1)
      })
    }

    for (const cc of ['no-store', 'private']) {
      it(`are each one’s own where 500 ask at once for what is ${cc}`, async () => {
        const { replies, runs } = await fiveHundred(cc, `&cc=${cc}`)
        assert.equal(runs, 500)
        assert.equal(new Set(replies.map(({ body }) => body)).size, 500)
      })
    }

    it('are made once where the other process is asked as soon as the first has answered', async () => {
      for (let at = 0; at < 300; at += 1) {
        const [first, second] = at % 2 ? pair : pair.toReversed()
        const made = await first?.get(`/?soon=${at}`)
        const given = await second?.get(`/?soon=${at}`)
        assert.equal(given?.body, made?.body, `number ${at}: ${given && factOf(given)}`)
      }
    })

    it('are told apart by what the other process learns that they vary by', async () => {
      const path = '/?gate=varied&vary=accept-language'
      const [one, two] = pair
      const sent = (language: string): Sent => ({ headers: { 'accept-language': language } })
      const first = one.get(path, sent('en'))
      await eventually('it runs', async () => (await one.runs('gate=varied')) || undefined)
      const before = await sum((seen) => seen.arrived)
      const languages = ['en', 'de', 'en', 'de', 'fr', 'en']
      const others = languages.map((language) => two.get(path, sent(language)))
      await eventually(
        'they wait',
        async () => (await sum((seen) => seen.arrived)) - before >= languages.length || undefined,
      )
      open('varied')
      const [made, ...given] = await Promise.all([first, ...others])
      for (const [at, { body }] of given.entries())
        assert.match(body, new RegExp(` ${languages[at]}$`))
      assert.equal(given[0]?.body, made?.body)
      assert.equal(given[2]?.body, made?.body)
    })

    it('are read by the other process while they grow, and given again afterwards', async () => {
      const path = '/?gate=live&stream=3'
      const [one, two] = pair
      const first = one.ask(path)
      await eventually('the first event', async () => first.text() || undefined)
      const name = /data: (\S+)/.exec(first.text())?.[1] ?? ''
      const second = two.ask(path)
      const third = two.ask(path)
      for (const joined of [second, third])
        await eventually(
          'it is joined',
          async () => joined.text() === events(name, 1, 1) || undefined,
        )
      one.open('live')
      await eventually(
        'the second event',
        async () => second.text() === events(name, 1, 2) || undefined,
      )
      one.open('live', 2)
      const replies = await Promise.all([first.reply, second.reply, third.reply])
      for (const reply of replies)
        assert.deepEqual([reply.whole, reply.body], [true, events(name, 1, 3)])
      assert.match(factOf(replies[1] as Reply), /collapsed/)
      assert.match(factOf(replies[2] as Reply), /collapsed/)
      for (const each of pair) {
        const again = await eventually('it is stored', async () => {
          const reply = await each.get(path)
          return factOf(reply).includes('; hit') ? reply : undefined
        })
        assert.equal(again.body, events(name, 1, 3))
        assert.match(again.headers['content-type'] ?? '', /^text\/event-stream/)
      }
      assert.equal(await runs('gate=live'), 1)
    })

    it('are read on after an event in the other process, while they grow and afterwards', async () => {
      const path = '/?gate=resumed&stream=4'
      const [one, two] = pair
      const first = one.ask(path)
      await eventually('the first event', async () => first.text() || undefined)
      const name = /data: (\S+)/.exec(first.text())?.[1] ?? ''
      one.open('resumed')
      const resumed = two.ask(path, { headers: { 'last-event-id': '1' } })
      await eventually(
        'the second event',
        async () => resumed.text() === events(name, 2, 2) || undefined,
      )
      one.open('resumed', 3)
      assert.equal((await resumed.reply).body, events(name, 2, 4))
      assert.equal((await first.reply).body, events(name, 1, 4))
      await eventually(
        'it is stored',
        async () => factOf(await two.get(path)).includes('; hit') || undefined,
      )
      for (const each of pair) {
        const { body } = await each.get(path, { headers: { 'last-event-id': '3' } })
        assert.equal(body, events(name, 4, 4))
      }
      assert.equal(await runs('gate=resumed'), 1)
    })

    it('are made once more, in the background, by one run for 200 stale hits', async () => {
      const cc = encodeURIComponent('max-age=1, stale-while-revalidate=60')
      const path = `/?gate=swr&cc=${cc}`
      const [one, two] = pair
      open('swr')
      const { body: old } = await one.get(path)
      assert.equal((await two.get(path)).body, old)
      open('swr', -1)
      await eventually(
        'it is stale',
        async () => factOf(await one.get(path)).includes('revalidating') || undefined,
      )
      const stale = await Promise.all(
        Array.from({ length: 200 }, (_, at) => pair[at % 2 ? 1 : 0].get(path)),
      )
      assert.deepEqual([...new Set(stale.map(({ body }) => body))], [old])
      assert.ok(stale.every((reply) => factOf(reply).includes('revalidating')))
      assert.equal(await runs('gate=swr&'), 2)
      open('swr')
      for (const each of pair)
        await eventually('it is new', async () => (await each.get(path)).body !== old || undefined)
    })
  })
}
