import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { frameworks } from '../support/apps.ts'
import { type Asked, factOf, type Pair, startPair } from '../support/cache-process.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

// Three seconds of lease, a second until it is noticed, and a busy machine.
const takenOver = { withinMs: 8000 }

for (const { name: framework } of frameworks) {
  describe(`answers whose process is lost, on ${framework}`, function () {
    this.timeout(60_000)
    let server: TestServer
    let pair: Pair
    let named = 0

    before(async () => {
      server = await startRedis()
    })
    beforeEach(async () => {
      named += 1
      const store = { url: server.url, deadline: '1s' }
      pair = await startPair({ framework, store, cache: { ttl: '5m' } })
    })
    afterEach(async () => {
      await Promise.all(pair.map((each) => each.stop()))
    })
    after(() => server.stop())

    const runsOf = (at: 0 | 1, path: string) => pair[at].runs(path.slice(2))

    /** The first makes an answer that it does not end, and requests of the other wait for it. */
    async function awaited(path: string): Promise<{ made: Asked; waiting: readonly Asked[] }> {
      const [one, two] = pair
      const made = one.ask(path)
      await eventually('it runs', async () => (await runsOf(0, path)) === 1 || undefined)
      const waiting = Array.from({ length: 10 }, () => two.ask(path))
      await eventually('they wait', async () => (await two.look()).arrived === 10 || undefined)
      assert.equal(await runsOf(1, path), 0)
      return { made, waiting }
    }

    it('are made by one of those who wait, where it is killed before the head', async () => {
      const path = `/?gate=a${named}`
      const { made, waiting } = await awaited(path)
      const [one, two] = pair
      one.signal('SIGKILL')
      assert.equal((await made.reply).whole, false)
      await eventually(
        'one of them makes it',
        async () => (await runsOf(1, path)) || undefined,
        takenOver,
      )
      two.open(`a${named}`)
      const replies = await Promise.all(waiting.map(({ reply }) => reply))
      assert.equal(new Set(replies.map(({ body }) => body)).size, 1)
      assert.ok(replies.every(({ status, whole }) => status === 200 && whole))
      assert.equal(await runsOf(1, path), 1)
    })

    it('break off for all, where it is killed while they are read, and are made anew', async () => {
      const path = `/?gate=b${named}&stream=3`
      const [one, two] = pair
      const made = one.ask(path)
      await eventually('the first event', async () => made.text() || undefined)
      const joined = two.ask(path)
      await eventually('it is joined', async () => joined.text() === made.text() || undefined)
      one.open(`b${named}`)
      await eventually('the second event', async () => /^id: 2$/m.test(joined.text()) || undefined)
      one.signal('SIGKILL')
      for (const { reply } of [made, joined]) {
        const { whole, body } = await reply
        assert.equal(whole, false)
        assert.equal(body.match(/^id/gm)?.length, 2)
      }
      const again = two.ask(path)
      await eventually(
        'it is made anew',
        async () => (await runsOf(1, path)) || undefined,
        takenOver,
      )
      two.open(`b${named}`, 3)
      const { whole, body, headers } = await again.reply
      assert.deepEqual([whole, body.match(/^id/gm)?.length], [true, 3])
      assert.match(String(headers['cache-status']), /fwd=miss/)
      const hit = await eventually('it is stored', async () => {
        const reply = await two.get(path)
        return factOf(reply).includes('; hit') ? reply : undefined
      })
      assert.equal(hit.body, body)
      assert.equal(await runsOf(1, path), 1)
    })

    it('are another’s, where it is frozen longer than its lease, and stay so', async () => {
      const path = `/?gate=c${named}`
      const { made, waiting } = await awaited(path)
      const [one, two] = pair
      one.signal('SIGSTOP')
      await eventually(
        'one of them makes it',
        async () => (await runsOf(1, path)) || undefined,
        takenOver,
      )
      two.open(`c${named}`)
      const [newer] = await Promise.all(waiting.map(({ reply }) => reply))
      await eventually(
        'it is stored',
        async () => factOf(await two.get(path)).includes('; hit') || undefined,
      )
      one.open(`c${named}`)
      one.signal('SIGCONT')
      const older = await made.reply
      assert.deepEqual([older.status, older.whole], [200, true])
      assert.notEqual(older.body, newer?.body)
      // Its write, where there is one, went before the answer to this look.
      await one.look()
      const found = await eventually('the first process hits', async () => {
        const reply = await one.get(path)
        return factOf(reply).includes('; hit') ? reply : undefined
      })
      assert.equal(found.body, newer?.body)
      assert.equal((await two.get(path)).body, newer?.body)
      assert.equal(await runsOf(0, path), 1)
      assert.equal(await runsOf(1, path), 1)
    })

    it('break off where it is frozen while they are read; its own client gets all', async () => {
      const path = `/?gate=d${named}&stream=3`
      const [one, two] = pair
      const made = one.ask(path)
      await eventually('the first event', async () => made.text() || undefined)
      const joined = two.ask(path)
      await eventually('it is joined', async () => joined.text() === made.text() || undefined)
      one.signal('SIGSTOP')
      assert.equal((await joined.reply).whole, false)
      const again = two.ask(path)
      await eventually(
        'it is made anew',
        async () => (await runsOf(1, path)) || undefined,
        takenOver,
      )
      two.open(`d${named}`, 3)
      const newer = await again.reply
      assert.equal(newer.whole, true)
      one.open(`d${named}`, 3)
      one.signal('SIGCONT')
      const older = await made.reply
      assert.deepEqual([older.whole, older.body.match(/^id/gm)?.length], [true, 3])
      await one.look()
      const hit = await eventually('it is stored', async () => {
        const reply = await one.get(path)
        return factOf(reply).includes('; hit') ? reply : undefined
      })
      assert.equal(hit.body, newer.body)
    })

    it('are made by another process once the client of the first has left', async () => {
      const path = `/?gate=e${named}`
      const { made, waiting } = await awaited(path)
      made.leave()
      await eventually(
        'one of them makes it',
        async () => (await runsOf(1, path)) || undefined,
        takenOver,
      )
      pair[1].open(`e${named}`)
      const replies = await Promise.all(waiting.map(({ reply }) => reply))
      assert.equal(new Set(replies.map(({ body }) => body)).size, 1)
      assert.equal(await runsOf(1, path), 1)
    })
  })
}
