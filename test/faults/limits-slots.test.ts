import assert from 'node:assert/strict'
import { type IncomingMessage, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { after, afterEach, before, describe, it } from 'mocha'
import { frameworks } from '../support/apps.ts'
import { eventually } from '../support/eventually.ts'
import { type ForkedApp, forkApp } from '../support/forked-app.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const limitsApp = new URL('../support/limits-app.ts', import.meta.url)

for (const { name } of frameworks) {
  describe(`slots of two processes of ${name}`, function () {
    this.timeout(60_000)
    let server: TestServer
    let redis: Redis
    let apps: ForkedApp[] = []

    before(async () => {
      server = await startRedis()
      redis = server.client()
    })
    afterEach(async () => {
      await Promise.all(apps.map((app) => app.stop('SIGKILL')))
      await redis.flushall()
    })
    after(() => server.stop())

    /** Two processes that let two streams through at a time. */
    async function two(lease: string): Promise<readonly [ForkedApp, ForkedApp]> {
      const limits = [{ name: 'streams', algorithm: 'concurrency', limit: 2, lease, key: 'global' }]
      const told = JSON.stringify({ framework: name, url: server.url, limits })
      apps = await Promise.all([forkApp(limitsApp, [told]), forkApp(limitsApp, [told])])
      return apps as [ForkedApp, ForkedApp]
    }

    /** When the leases end, by the server's clock. */
    async function ends(): Promise<number[]> {
      const [key = ''] = await redis.keys('limit:*streams*')
      const pairs = await redis.zrange(key, '0', '-1', 'WITHSCORES')
      return pairs.filter((_, at) => at % 2 === 1).map(Number)
    }

    async function serverNow(): Promise<number> {
      const [seconds, micros] = await redis.time()
      return Number(seconds) * 1000 + Number(micros) / 1000
    }

    it('are free when the lease of a killed process ends, and not before', async () => {
      const [killed, other] = await two('2s')
      const held = [await open(killed), await open(killed)]
      assert.deepEqual(held.map(statusOf), [200, 200])
      await killed.stop('SIGKILL')
      const first = Math.min(...(await ends()))
      const refused: number[] = []
      const admittedBy = await eventually('a slot is free', async () => {
        const asked = await serverNow()
        const stream = await open(other)
        if (statusOf(stream) === 200) return serverNow()
        refused.push(asked)
        return undefined
      })
      assert.ok(refused.length > 0)
      assert.ok(admittedBy >= first, `${first - admittedBy} ms too soon`)
      assert.deepEqual(
        refused.filter((at) => at > first + 50),
        [],
      )
      assert.equal(statusOf(await eventually('the other is free', () => free(other))), 200)
    })

    it('are two again after a process has slept for longer than its lease', async () => {
      const [sleeping, other] = await two('1s')
      const held = [await open(sleeping), await open(sleeping)]
      sleeping.child.kill('SIGSTOP')
      const taken = await eventually('a slot is free', () => free(other))
      sleeping.child.kill('SIGCONT')
      await sleep(700)
      for (const stream of [...held, taken]) stream.destroy()
      await eventually('all are given back', async () =>
        (await ends()).length === 0 ? true : undefined,
      )
      const streams = [await open(sleeping), await open(other), await open(sleeping)]
      assert.deepEqual(streams.map(statusOf), [200, 200, 429])
    })

    it('are held for as long as the stream is open, through a Redis that freezes', async () => {
      const [holding, other] = await two('2s')
      const held = [await open(holding), await open(holding)]
      const statuses = new Set<number | undefined>()
      const end = performance.now() + 6500
      for (let round = 0; performance.now() < end; round += 1) {
        if (round === 5) {
          server.freeze()
          await sleep(1000)
          server.thaw()
          // Until it is known to be well again it answers 503.
          await eventually('well again', async () =>
            statusOf(await open(other)) === 503 ? undefined : true,
          )
        }
        statuses.add(statusOf(await open(other)))
        await sleep(150)
      }
      assert.deepEqual([...statuses], [429])
      for (const stream of held) stream.destroy()
      await eventually('both are given back', () => free(other))
    })
  })
}

/** Opens a stream for a minute; gives its head. */
function open({ url }: ForkedApp): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers: { 'x-open': '60000' }, agent: false }, (answer) => {
      answer.on('error', () => {}) // Its process may be killed.
      if (answer.statusCode !== 200) answer.resume()
      resolve(answer)
    })
    asked.on('error', reject).end()
  })
}

/** A stream that was let through. */
async function free(app: ForkedApp): Promise<IncomingMessage | undefined> {
  const stream = await open(app)
  return statusOf(stream) === 200 ? stream : undefined
}

function statusOf({ statusCode }: IncomingMessage): number | undefined {
  return statusCode
}
