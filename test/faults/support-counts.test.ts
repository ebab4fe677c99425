import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import { afterEach, describe, it } from 'mocha'
import { type App, listen } from '../support/apps.ts'
import { type Counts, countOutcomes, countTogether } from '../support/fault-run.ts'
import { faultTable, holds } from '../support/fault-table.ts'

/** What an app does with what is said: to the nth thing while it is struck, from 0. */
type Conduct = (said: Said, nth: number) => unknown

interface Said {
  readonly id: string
  /** What is stored of this user. */
  readonly stored: string[]
  answer(body?: object): void
  fail(): void
  leave(): void
}

const served: Conduct = ({ id, stored, answer }) => {
  stored.push(id)
  answer()
}

interface StruckApp extends App {
  set(struck: boolean): void
}

/** Serves what behaves so while it is struck; it says that it needs 70 MB more meanwhile. */
async function serveStruck(conduct: Conduct): Promise<StruckApp> {
  const kept = new Map<string, string[]>()
  let [broken, nth] = [false, 0]
  const ofUser = (user: string) => kept.get(user) ?? []
  const app = express()
  app.use((req, res, next) => {
    if ('rss' in req.query) res.json((broken ? 90 : 20) * 1024 * 1024)
    else if ('read' in req.query) res.json(ofUser(String(req.get('x-user'))))
    else next()
  })
  app.use((req, res) => {
    const user = String(req.get('x-user'))
    const stored = ofUser(user)
    kept.set(user, stored)
    const said: Said = {
      ...{ id: String(req.query['say']), stored },
      answer: (body = {}) => void res.json(body),
      fail: () => void res.status(500).end(),
      leave: () => void res.destroy(),
    }
    if (!broken) return void served(said, 0)
    conduct(said, nth)
    nth += 1
  })
  return {
    ...(await listen(app)),
    set(struck) {
      broken = struck
    },
  }
}

describe('what is counted in a fault', function () {
  this.timeout(30_000)
  const open: App[] = []
  afterEach(() => Promise.all(open.splice(0).map((app) => app.close())))

  async function serve(struck: Conduct): Promise<StruckApp> {
    const app = await serveStruck(struck)
    open.push(app)
    return app
  }

  async function count(struck: Conduct): Promise<Counts> {
    const app = await serve(struck)
    const [strike, clear] = [() => app.set(true), () => app.set(false)]
    return countOutcomes(app, { strike, clear, forMs: 600, watchMs: 300 })
  }

  /** Does something else with the first things said, and serves the others. */
  const first =
    (times: number, conduct: Conduct): Conduct =>
    (said, nth) =>
      (nth < times ? conduct : served)(said, nth)

  it('is nothing where all is well but its memory', async () => {
    const { served: all, longestMs, grownMb, ...others } = await count(served)
    assert.ok(all > 10 && longestMs <= 1000, `${all} served, ${longestMs} ms`)
    assert.equal(grownMb, 70)
    const none = { degraded: 0, failed: 0, hung: 0, lost: 0, doubled: 0, reordered: 0, backMs: 0 }
    assert.deepEqual(others, none)
  })

  it('is each error, and each connection that breaks', async () => {
    const { failed, lost } = await count(
      first(5, ({ fail, leave }, nth) => (nth < 3 ? fail() : leave())),
    )
    assert.deepEqual([failed, lost], [5, 0])
  })

  it('is each answer with a flag; what is kept for now is not lost', async () => {
    const { degraded, lost } = await count(
      first(4, ({ answer }, nth) =>
        answer({ memory: nth < 2, limit: false, cache: nth >= 2 || undefined }),
      ),
    )
    assert.deepEqual([degraded, lost], [4, 2])
  })

  it('is each request that waits for more than a second, once', async () => {
    const { hung, longestMs, lost, failed } = await count(
      first(3, async ({ fail, id, stored, answer }, nth) => {
        await sleep(1200)
        if (nth === 0) return fail()
        stored.push(id)
        answer()
      }),
    )
    assert.deepEqual([hung, failed, lost], [3, 0, 0])
    assert.ok(longestMs >= 1200 && longestMs < 5000, `${longestMs} ms`)
  })

  it('is what was acknowledged and is not stored, and what is stored twice', async () => {
    const { lost, doubled } = await count(
      first(7, ({ id, stored, answer }, nth) => {
        if (nth < 3) stored.push(id, 'another', id, id)
        answer()
      }),
    )
    // What nobody said is doubled as well.
    assert.deepEqual([lost, doubled], [4, 3])
  })

  it('is what is stored before something older of the same user', async () => {
    const { reordered, lost } = await count(({ id, stored, answer }) => {
      stored.unshift(id)
      answer()
    })
    assert.ok(reordered > 10, `${reordered} reordered`)
    assert.equal(lost, 0)
  })

  it('is what is stored late as stored', async () => {
    const { lost } = await count(
      first(3, async ({ id, stored, answer }) => {
        answer()
        await sleep(1200)
        stored.push(id)
      }),
    )
    assert.equal(lost, 0)
  })

  it('is the time till all was well, from the end of the fault on', async () => {
    const app = await serve(({ fail }) => fail())
    const clear = async () => {
      setTimeout(() => app.set(false), 500)
    }
    const strike = { strike: () => app.set(true), clear, forMs: 200, watchMs: 1200 }
    const { backMs, failed } = await countOutcomes(app, strike)
    assert.ok(backMs > 300 && backMs < 1000, `${backMs} ms, ${failed} failed`)
  })

  it('is counted for each of several apps by itself', async () => {
    const [well, ill] = await Promise.all([serve(served), serve(({ fail }) => fail())])
    const strike = {
      strike: () => [well, ill].map((app) => app.set(true)),
      clear: () => [well, ill].map((app) => app.set(false)),
    }
    const counts = await countTogether([well, ill], { ...strike, forMs: 300, watchMs: 300 })
    assert.deepEqual(
      counts.map(({ failed }) => failed > 0),
      [false, true],
    )
  })

  it('is nothing that can be read where an app has ended', async () => {
    const app = await serve(served)
    const counts = await countOutcomes(app, {
      strike: () => app.close(),
      clear: () => {},
      forMs: 300,
      watchMs: 200,
    })
    open.length = 0
    assert.ok(counts.failed > 0)
    assert.ok(Number.isNaN(counts.lost) && Number.isNaN(counts.doubled))
  })
})

describe('the contract of a fault', () => {
  const well: Counts = {
    ...{ served: 100, degraded: 5, failed: 0, hung: 0, lost: 0, doubled: 0, reordered: 0 },
    ...{ longestMs: 1000, backMs: 2000, grownMb: 50 },
  }
  const broken: readonly Partial<Counts>[] = [
    { served: 0 },
    { failed: 1 },
    { hung: 1 },
    { lost: 1 },
    { lost: Number.NaN },
    { doubled: 1 },
    { longestMs: 1001 },
    { backMs: 2001 },
    { grownMb: 51 },
    { grownMb: Number.NaN },
  ]

  it('holds up to its bounds', () => {
    holds(well)
    holds({ ...well, backMs: 6000, failed: 2 }, { backMs: 6000, failed: 2 })
  })

  for (const each of broken) {
    it(`does not hold with ${Object.entries(each).join()}`, () => {
      assert.throws(() => holds({ ...well, ...each }), assert.AssertionError)
    })
  }

  it('is told as a table: by fault, ours first', () => {
    const lost = { ...well, lost: Number.NaN, hung: 12 }
    const table = faultTable([
      { fault: 'frozen', who: 'express-session', counts: lost },
      { fault: 'frozen', who: 'koa', counts: well },
      { fault: 'down', who: 'koa', counts: well },
    ])
    assert.deepEqual(
      table.split('\n').map((line) => line.split(/ {2,}/).slice(0, 7)),
      [
        ['fault', 'who', 'served', 'degraded', 'failed', 'hung', 'lost'],
        ['down', 'koa', '100', '5', '0', '0', '0'],
        ['frozen', 'koa', '100', '5', '0', '0', '0'],
        ['frozen', 'express-session', '100', '5', '0', '12', '-'],
      ],
    )
    assert.equal(faultTable([]), '')
  })
})
