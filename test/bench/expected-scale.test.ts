import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { footprintLines, type Weights, wrongFootprint } from '../../bench/footprint.ts'
import { growthText } from '../../bench/growth.ts'
import { wrongIdle } from '../../bench/idle.ts'
import { wrongInstall } from '../../bench/install.ts'
import { wrongKeys } from '../../bench/keys.ts'
import { type ScalingCheck, wrongScaling } from '../../bench/scaling.ts'
import { type Given, holding, turning } from '../../bench/scaling-plan.ts'
import { wrongRuns } from '../../bench/side-by-side.ts'

describe('a plan for many sessions', () => {
  const given: Given = {
    ...{ sessions: 1000, bytesEach: 100, shardBytes: 30_000 },
    ...{ commandsEach: 4, microsEach: 200 },
  }

  it('has as many masters as hold all bytes', () => {
    assert.deepEqual(holding(given), { bytes: 100_000, shards: 4 })
    assert.equal(holding({ ...given, sessions: 900 }).shards, 3)
    assert.equal(holding({ ...given, sessions: 1 }).shards, 1)
  })

  it('spreads commands and work over them', () => {
    assert.deepEqual(turning(given, 10_000), {
      ...{ turnsPerSecond: 10_000, commandsPerSecond: 40_000, eachShard: 10_000, busy: 0.5 },
    })
  })
})

describe('what the benchmark expects of a plan', () => {
  const check: ScalingCheck = {
    ...{ sessions: 5000, predicted: 10_000, measured: 10_400, shares: [0.33, 0.33, 0.34] },
    ...{ commandsEach: 4, microsEach: 99 },
  }

  it('is that sessions take what was said, within a twentieth', () => {
    assert.deepEqual(wrongScaling(check), [])
    assert.match(wrongScaling({ ...check, measured: 10_600 }).join(), /10,000.* take 10,600$/)
    assert.match(wrongScaling({ ...check, measured: 9400 }).join(), /10,000.* take 9,400$/)
  })

  it('is that each master has its part', () => {
    assert.match(wrongScaling({ ...check, shares: [0.3, 0.35, 0.35] }).join(), /0\.90 to 1\.05/)
  })
})

describe('what the benchmark expects of what one thing takes', () => {
  const weights: Weights = {
    ...{ 'session of 2': 1400, 'session of 22': 4400, 'tenth session': 1300 },
    ...{ answer: 1400, sliding: 170, fixed: 140 },
  }

  it('tells sessions from their messages', () => {
    const lines = footprintLines(weights, weights)
    assert.deepEqual(
      lines.map(({ redis }) => redis),
      [1100, 1000, 150, 1400, 170, 140],
    )
    assert.deepEqual(wrongFootprint(lines), [])
  })

  it('is bounded on Redis', () => {
    const heavy = { ...weights, fixed: 1000 }
    assert.deepEqual(wrongFootprint(footprintLines(weights, heavy)), [])
    assert.match(wrongFootprint(footprintLines(heavy, weights)).join(), /fixed: .* takes 1,000$/)
  })
})

describe('what the benchmark expects of stores of many keys', () => {
  it('is that they hold them, and give nothing that was purged', () => {
    assert.deepEqual(wrongKeys('Redis', [10, 100], { keys: [10, 120], outlived: 0 }), [])
    assert.match(wrongKeys('Redis', [10, 100], { keys: [10, 99], outlived: 0 }).join(), /hold 100/)
    assert.match(wrongKeys('Redis', [10], { keys: [10], outlived: 1 }).join(), /was purged$/)
  })
})

describe('what the benchmark expects of idle streams', () => {
  const line = { label: 'cached, all of one', runs: 1, disturbed: 0 }

  it('is that they stay idle, and that one stream is one run', () => {
    assert.deepEqual(wrongIdle([line, { ...line, label: 'bare handler', runs: 1000 }]), [])
    assert.match(wrongIdle([{ ...line, runs: 2 }]).join(), /should be 1 runs, and were 2$/)
    assert.match(wrongIdle([{ ...line, disturbed: 3 }]).join(), /^3 idle streams/)
  })
})

describe('what the benchmark expects of the package', () => {
  it('is at most 2.9 MiB of files', () => {
    assert.deepEqual(wrongInstall(2.9 * 1024 ** 2), [])
    assert.match(wrongInstall(3 * 1024 ** 2).join(), /at most 2\.9 MiB installed, and takes 3\.0$/)
  })
})

describe('what the benchmark expects of stacks side by side', () => {
  const run = { label: 'memoryware', slices: [{ perSecond: 100, cpuMicrosPerRequest: 9999 }] }

  it('is that nineteen in twenty answers are right, at whatever speed', () => {
    assert.deepEqual(wrongRuns('a limit', [{ ...run, wrong: 10 }], 2), [])
    assert.match(
      wrongRuns('a limit', [{ ...run, wrong: 11 }], 2).join(),
      /^memoryware, a limit: 11/,
    )
  })
})

describe('the table of growth', () => {
  it('leaves out what nobody measures of the others', () => {
    const step = (messages: number, micros: number) => ({
      ...{ messages, micros },
      ratio: { median: micros / 10, min: 1, max: 9 },
    })
    const text = growthText([
      {
        ...{ keeper: 'memoryware', store: 'Redis', operation: 'append 2' },
        steps: [step(20, 10), step(200, 11)],
      },
      { keeper: 'LangChain', store: 'Redis', operation: 'append 2', steps: [step(20, 10)] },
    ])
    const [, head, ours, other] = text.split('\n')
    assert.match(head ?? '', /20 +200 +x at 200/)
    assert.match(ours ?? '', /memoryware, Redis +10 +11 +1\.10 +1\.00\.\.9\.00$/)
    assert.match(other ?? '', /LangChain, Redis +10 +1\.00\.\.9\.00$/)
  })
})
