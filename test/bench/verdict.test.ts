import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { Line, RouteReport } from '../../bench/report.ts'
import { routes } from '../../bench/routes.ts'
import { shortcomings, type Verdict, verdicts, verdictText } from '../../bench/verdict.ts'
import { bare, bestPeer, type Goal, type Wanted, wanted } from '../../bench/wanted.ts'

type Rounds = readonly (readonly [perSecond: number, cpu: number])[]

/** A line with a slice for each round. */
function line(stack: string, rounds: Rounds, more: Partial<Line> = {}): Line {
  return {
    ...{ stack, in: 'redis', ours: stack.startsWith('memoryware'), aside: false },
    ...{ ratios: undefined, costs: [] },
    notes: { wrong: 0, ran: 0, forgetful: 0, withoutStore: 0 },
    slices: rounds.map(([perSecond, cpuMicrosPerRequest]) => ({
      ...{ perSecond, cpuMicrosPerRequest },
      ...{ redisMicrosPerRequest: 0, p50Ms: 1, p99Ms: 2, rssBytes: 0 },
    })),
    ...more,
  }
}

function report(...lines: Line[]): RouteReport {
  const bareLine = line(bare, [[1000, 100]], { in: 'process' })
  return { title: 'GET /', framework: 'koa', bare: undefined, lines: [bareLine, ...lines] }
}

function want(...goals: Goal[]): Wanted[] {
  return [{ route: 'GET /', frameworks: ['koa'], stack: 'memoryware', in: 'redis', goals }]
}

function only(found: readonly Verdict[]): Verdict {
  const [verdict] = found
  assert.ok(verdict && found.length === 1)
  return verdict
}

describe('the verdict of the benchmark', () => {
  it('is about the peer that does best, for requests and for cpu each', () => {
    const { requests, cpu } = only(
      verdicts([
        report(
          line('memoryware', [[900, 90]]),
          line('fast', [[1000, 120]]),
          line('frugal', [[500, 60]]),
        ),
      ]),
    )
    assert.deepEqual(requests, { peer: 'fast', times: 0.9, ahead: false })
    assert.deepEqual(cpu, { peer: 'frugal', times: 1.5, ahead: false })
  })

  it('is ahead with more requests and less cpu than all', () => {
    const { requests, cpu } = only(
      verdicts([report(line('memoryware', [[900, 50]]), line('peer', [[600, 100]]))]),
    )
    assert.deepEqual(requests, { peer: 'peer', times: 1.5, ahead: true })
    assert.deepEqual(cpu, { peer: 'peer', times: 0.5, ahead: true })
  })

  it('is not ahead where both are the same', () => {
    const { requests, cpu } = only(
      verdicts([report(line('memoryware', [[900, 50]]), line('peer', [[900, 50]]))]),
    )
    assert.deepEqual([requests?.ahead, cpu?.ahead], [false, false])
  })

  it('relates rounds, and not medians of all rounds', () => {
    const ours: Rounds = [
      [110, 10],
      [1100, 10],
      [10, 10],
    ]
    const theirs: Rounds = [
      [100, 10],
      [1000, 10],
      [1000, 10],
    ]
    const { requests } = only(verdicts([report(line('memoryware', ours), line('peer', theirs))]))
    assert.deepEqual(requests, { peer: 'peer', times: 1.1, ahead: true })
  })

  it('compares what is in Redis with nothing in a process', () => {
    const { requests } = only(
      verdicts([
        report(line('memoryware', [[900, 50]]), line('peer', [[2000, 10]], { in: 'process' })),
      ]),
    )
    assert.equal(requests, undefined)
  })

  it('passes over what was only counted, and what does more than the peers', () => {
    const found = verdicts([
      report(line('memoryware', []), line('memoryware, more', [[1, 1]], { aside: true })),
    ])
    assert.deepEqual(found, [])
  })

  it('says how far a goal was reached, and by how little it was missed', () => {
    const { goals } = only(
      verdicts(
        [
          report(
            line('memoryware', [[1045, 125]]),
            line('peer', [[1000, 100]]),
            line('other', [[100, 250]]),
          ),
        ],
        want(
          { what: 'req/s', times: 1.1, of: bestPeer },
          { what: 'req/s', times: 1, of: bare },
          { what: 'cpu', times: 1.15, of: bestPeer },
          { what: 'cpu', times: 0.65, of: 'other' },
          { what: 'cpu', times: 1, of: bare },
        ),
      ),
    )
    assert.deepEqual(
      goals.map(({ got, verdict }) => [got, verdict]),
      [
        [1.045, 'nearly'],
        [1.045, 'reached'],
        [1.25, 'nearly'],
        [0.5, 'reached'],
        [1.25, 'missed'],
      ],
    )
  })

  it('refuses a goal relative to a stack that is not there', () => {
    const goal: Goal = { what: 'req/s', times: 1, of: 'nobody' }
    assert.throws(
      () => verdicts([report(line('memoryware', [[1, 1]]))], want(goal)),
      /there is no nobody to compare with/,
    )
  })

  it('has a sentence for each peer that is ahead and each goal that is missed', () => {
    const found = verdicts(
      [report(line('memoryware', [[900, 90]]), line('peer', [[1000, 100]]))],
      want(
        { what: 'req/s', times: 0.95, of: bestPeer },
        { what: 'req/s', times: 1.1, of: bestPeer },
      ),
    )
    assert.deepEqual(shortcomings(found), [
      'memoryware, Redis on koa, GET /: 0.90 x the req/s of peer',
      'memoryware, Redis on koa, GET /: wanted req/s >= 1.1 x best peer, got 0.90: missed',
    ])
  })

  it('reads as one block for each table', () => {
    const peer = line('peer', [[1000, 100]])
    const found = verdicts(
      [report(line('memoryware', [[1070, 90]]), line('memoryware, turn()', [[900, 90]]), peer)],
      want({ what: 'req/s', times: 1.1, of: bestPeer }),
    )
    assert.deepEqual(verdictText(found).split('\n').slice(2), [
      'Koa 3: GET /',
      '  memoryware, Redis           ahead  1.07 x  peer  ahead  0.90 x  peer',
      '  memoryware, turn(), Redis  behind  0.90 x  peer  ahead  0.90 x  peer',
      '  memoryware, Redis: wanted req/s >= 1.1 x best peer, got 1.07: missed by up to 10 %',
    ])
  })
})

describe('what is wanted of the benchmark', () => {
  for (const { route, frameworks, stack, in: place, goals } of wanted)
    for (const framework of frameworks)
      it(`finds ${stack} (${place}) on ${framework}, ${route}, and what it is relative to`, () => {
        const found = routes.find((each) => each.title === route && each.framework === framework)
        assert.ok(found?.timed)
        const there = (label: string) =>
          found.entries.some((entry) => entry.label === label && entry.in === place)
        assert.ok(there(stack))
        for (const { of } of goals) assert.ok(of === bare || of === bestPeer || there(of), of)
      })
})
