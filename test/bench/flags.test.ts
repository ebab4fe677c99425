import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { readFlags } from '../../bench/flags.ts'

describe('the flags of the benchmark', () => {
  it('measure everything, and a million keys, where there are none', () => {
    const { groups, scanKeys, json } = readFlags([])
    assert.deepEqual(groups, [
      'limits',
      'cache',
      'bodies',
      'chat',
      'all',
      'distance',
      'growth',
      'size',
      'streams',
      'sharing',
      'flood',
      'scan',
      'connections',
      'processes',
      'cluster',
      'idle',
      'keys',
      'footprint',
      'install',
      'scaling',
    ])
    assert.equal(scanKeys, 1_000_000)
    assert.equal(json, undefined)
  })

  it('make a run fail for its speed only where that is asked for', () => {
    assert.equal(readFlags(['--short']).strict, false)
    assert.equal(readFlags(['--strict']).strict, true)
  })

  it('make a run short', () => {
    const long = readFlags([])
    const short = readFlags(['--short'])
    assert.deepEqual(short.groups, long.groups)
    assert.ok(short.rounds < long.rounds && short.seconds < long.seconds)
    assert.equal(short.scanKeys, 50_000)
  })

  it('choose one part, its rounds and their length', () => {
    const { groups, rounds, seconds, json } = readFlags(
      '--short --only cache --rounds 5 --seconds 2 --json figures.json'.split(' '),
    )
    assert.deepEqual(
      { groups, rounds, seconds, json },
      { groups: ['cache'], rounds: 5, seconds: 2, json: 'figures.json' },
    )
  })

  for (const wrong of [
    ['--shrot'],
    ['short'],
    ['--only', 'limit'],
    ['--only'],
    ['--rounds', '0'],
    ['--rounds', '1.5'],
    ['--seconds', 'ten'],
    ['--seconds='],
    ['--short=yes'],
  ])
    it(`refuse ${wrong.join(' ')}`, () => {
      assert.throws(() => readFlags(wrong), /--|short/)
    })
})
