import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { wrongCounts } from '../../bench/expected-counts.ts'

const right = { commands: 1, roundTrips: 1, before: 1 }

describe('what the benchmark expects of commands and round trips', () => {
  it('is content with what it expects', () => {
    const counted = { stack: 'memoryware', costs: [right, right], expectation: 'one rule' } as const
    assert.deepEqual(wrongCounts([counted]), [])
  })

  for (const [what, cost] of [
    ['a command more', { ...right, commands: 2 }],
    ['a round trip more', { ...right, roundTrips: 2 }],
    ['a command less', { ...right, commands: 0 }],
    ['a round trip less before it answers', { ...right, before: 0 }],
  ] as const)
    it(`names a stack whose second request takes ${what}`, () => {
      const counted = { stack: 'memoryware', costs: [right, cost], expectation: 'append' } as const
      assert.deepEqual(wrongCounts([counted]), [
        'memoryware: "append" should be 1 commands in 1 round trips, 1 before it answers, and it was ' +
          `${cost.commands} commands in ${cost.roundTrips} round trips, ${cost.before} before it answers`,
      ])
    })

  it('is not content where nothing was counted', () => {
    const [wrong] = wrongCounts([{ stack: 'memoryware', costs: [], expectation: 'refused' }])
    assert.match(wrong ?? '', /nothing was counted/)
  })

  it('expects nothing of other packages', () => {
    assert.deepEqual(
      wrongCounts([{ stack: 'another', costs: [{ commands: 9, roundTrips: 8, before: 8 }] }]),
      [],
    )
  })
})
