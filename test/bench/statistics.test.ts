import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { percentile, type Related, ratios, rotated, spread } from '../../bench/statistics.ts'

function slices(...pairs: [number, number][]): Related[] {
  return pairs.map(([perSecond, cpuMicrosPerRequest]) => ({ perSecond, cpuMicrosPerRequest }))
}

describe('the arithmetic of the benchmark', () => {
  it('relates each round to the bare handler of that round, not medians to each other', () => {
    const bare = slices([1000, 10], [100, 100], [500, 20])
    const stack = slices([500, 20], [80, 110], [250, 60])
    assert.deepEqual(ratios(stack, bare), {
      perSecond: { median: 0.5, min: 0.5, max: 0.8 },
      cpu: { median: 2, min: 1.1, max: 3 },
    })
  })

  it('gives the bare handler a ratio of 1', () => {
    const bare = slices([1000, 10], [100, 100])
    const one = { median: 1, min: 1, max: 1 }
    assert.deepEqual(ratios(bare, bare), { perSecond: one, cpu: one })
  })

  it('relates no rounds to others', () => {
    assert.throws(() => ratios(slices([1, 1]), []), /1 rounds cannot be related to 0/)
  })

  it('takes the middle of two where rounds are even', () => {
    assert.deepEqual(spread([4, 1, 2, 100]), { median: 3, min: 1, max: 100 })
    assert.throws(() => spread([]), /median of nothing/)
  })

  it('takes as a percentile a value that was measured', () => {
    const hundred = Array.from({ length: 100 }, (_, at) => 100 - at)
    assert.equal(percentile(hundred, 0.99), 99)
    assert.equal(percentile(hundred, 1), 100)
    assert.equal(percentile([7], 0.5), 7)
    assert.throws(() => percentile([], 0.5), /percentile of nothing/)
  })

  it('begins each round with the next stack', () => {
    const rounds = [0, 1, 2, 3].map((round) => rotated(['a', 'b', 'c'], round).join(''))
    assert.deepEqual(rounds, ['abc', 'bca', 'cab', 'abc'])
    assert.deepEqual(rotated([], 3), [])
  })
})
