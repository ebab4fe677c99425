import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Use, useOf } from '../../lib/cache/reuse.ts'
import { graceMs, isStrict, mayStandIn, staleWindows, standsInFor } from '../../lib/cache/stale.ts'
import { directivesOf, entryOf, type Made, made } from './policy-entry.ts'

const at = (seconds: number): number => made + seconds * 1000

function use(over: Partial<Made>, asks: string, seconds: number): Use {
  const wish = { directives: directivesOf(asks), credentialed: false }
  return useOf(entryOf(over), wish, at(seconds))
}

describe('useOf', () => {
  const window = { swrMs: 20_000 }
  // The entry lives ten seconds. Sections are of RFC 9111.
  const table: readonly (readonly [
    section: string,
    over: Partial<Made>,
    asks: string,
    seconds: number,
    is: Use,
  ])[] = [
    ['4.2: a fresh one answers', {}, '', 9, 'use'],
    ['4.2: its life ends with its last second', {}, '', 10, 'stale'],
    ['4.2.3: its age counts from before it came', { ageMs: 9000 }, '', 1, 'stale'],
    ['5.2.1.1: max-age that its age is below', {}, 'max-age=5', 4, 'use'],
    ['5.2.1.1: max-age that its age exceeds', {}, 'max-age=5', 6, 'request'],
    ['5.2.1.2: max-stale without a value', {}, 'max-stale', 99, 'use'],
    ['5.2.1.2: max-stale that suffices', {}, 'max-stale=5', 15, 'use'],
    ['5.2.1.2: max-stale that does not', {}, 'max-stale=5', 16, 'stale'],
    ['5.2.1.2: max-stale that is no number', {}, 'max-stale=x', 15, 'stale'],
    ['5.2.2.2: max-stale for what is strict', { strict: true }, 'max-stale', 15, 'stale'],
    ['5.2.1.3: min-fresh that is left', {}, 'min-fresh=2', 8, 'use'],
    ['5.2.1.3: min-fresh that is not', {}, 'min-fresh=3', 8, 'request'],
    ['5.2.1.4: no-cache', {}, 'no-cache', 1, 'request'],
    ['5.2.2.4: what is validated each time', { lifeMs: 0, strict: true }, '', 0, 'stale'],
    ['5.2.2.4: also for max-stale', { lifeMs: 0, strict: true }, 'max-stale', 0, 'stale'],
    ['RFC 5861 3: within the window', window, '', 29, 'stale-while-revalidate'],
    ['RFC 5861 3: after it', window, '', 30, 'stale'],
    ['RFC 5861 3: not while it is fresh', window, '', 9, 'use'],
    ['RFC 5861 3: what is strict', { ...window, strict: true }, '', 11, 'stale'],
    ['RFC 5861 3: no-cache', window, 'no-cache', 11, 'request'],
    ['RFC 5861 3: max-age=0', window, 'max-age=0', 11, 'request'],
    ['RFC 5861 3: max-age that its age exceeds', window, 'max-age=5', 11, 'stale'],
    ['RFC 5861 3: max-age without max-stale', window, 'max-age=99', 11, 'stale'],
    ['RFC 5861 3: min-fresh', window, 'min-fresh=0', 11, 'stale'],
    ['RFC 5861 3: max-stale', window, 'max-stale', 11, 'stale-while-revalidate'],
    ['RFC 5861 3: less max-stale', window, 'max-stale=5', 16, 'stale'],
  ]
  for (const [section, over, asks, seconds, is] of table) {
    it(`says ${is}: ${section}`, () => assert.equal(use(over, asks, seconds), is))
  }

  it('answers nobody with credentials where the origin gave no life', () => {
    const wish = { directives: directivesOf('no-cache'), credentialed: true }
    assert.equal(useOf(entryOf({ explicit: false, swrMs: 9 }), wish, made), 'credential')
    assert.equal(useOf(entryOf({ explicit: true }), wish, made), 'request')
  })

  it('has nothing validated for a field that may tell who asks, unless answers vary by it', () => {
    const wish = { directives: directivesOf(''), credentialed: false, personal: ['x-api-key'] }
    const each = (over: Partial<Made>): Use => useOf(entryOf(over), wish, made)
    assert.equal(each({ lifeMs: 0 }), 'credential')
    assert.equal(each({ lifeMs: 0, fields: { vary: 'accept, X-Api-Key' } }), 'stale')
    assert.equal(each({}), 'use')
  })

  it('never uses what is strict and past its life, whatever the client writes', () => {
    const asks = fc.oneof(fc.string(), fc.constantFrom('max-stale', 'max-stale=99, max-stale'))
    fc.assert(
      fc.property(asks, fc.nat(9999), fc.nat(9999), (line, swrMs, late) => {
        const is = use({ strict: true, swrMs: swrMs * 1000 }, line, 10 + late)
        assert.ok(is === 'stale' || is === 'request')
      }),
    )
  })

  it('never goes past the window and what the client tolerates', () => {
    const directives = ['max-age', 'min-fresh', 'max-stale'] as const
    const given = fc.array(fc.tuple(fc.constantFrom(...directives), fc.nat(60)), { maxLength: 3 })
    fc.assert(
      fc.property(given, fc.nat(40), fc.nat(90), (list, swr, seconds) => {
        const line = list.map(([name, value]) => `${name}=${value}`).join(', ')
        const is = use({ swrMs: swr * 1000 }, line, seconds)
        const stale = seconds - 10
        if (is === 'stale-while-revalidate') assert.ok(stale >= 0 && stale < swr)
        if (is === 'use' && stale >= 0) assert.match(line, /max-stale/)
        if (is === 'use' && list.length === 1 && list[0]?.[0] === 'max-age' && list[0][1] < seconds)
          assert.fail('older than the client wants')
      }),
    )
  })
})

describe('staleWindows', () => {
  const none = { mode: 'http', swrMs: undefined, sieMs: undefined } as const
  const own = { mode: 'http', swrMs: 7000, sieMs: 8000 } as const
  const windows = (line: string, options: Parameters<typeof staleWindows>[2], lifeMs = 1) =>
    Object.values(staleWindows({ directives: directivesOf(line) }, { lifeMs }, options))

  it('are what the response says', () => {
    const line = 'max-age=1, stale-while-revalidate=5, stale-if-error=6'
    assert.deepEqual(windows(line, none), [5000, 6000])
    assert.deepEqual(windows(line, own), [5000, 6000])
    assert.deepEqual(windows(line, { ...own, mode: 'app' }), [7000, 8000])
  })

  it('are what the application says where the response says nothing', () => {
    assert.deepEqual(windows('max-age=1', own), [7000, 8000])
    assert.deepEqual(windows('max-age=1', none), [0, 0])
    assert.deepEqual(windows('stale-if-error=6', { ...none, mode: 'app' }), [0, 6000])
  })

  it('are not given by the application to what is stale from the start', () => {
    assert.deepEqual(windows('max-age=0', own, 0), [0, 0])
    assert.deepEqual(windows('max-age=0, stale-if-error=6', own, 0), [0, 6000])
  })

  for (const strict of ['must-revalidate', 'proxy-revalidate', 's-maxage=1', 'no-cache']) {
    it(`are not there beside ${strict}`, () => {
      const line = `${strict}, stale-while-revalidate=5, stale-if-error=6`
      assert.ok(isStrict(directivesOf(line)))
      assert.deepEqual(windows(line, own), [0, 0])
      assert.deepEqual(windows(line, { ...own, mode: 'app' }), [0, 0])
    })
  }

  it('are 0 for what is no number, and where two contradict each other', () => {
    const digits = /^(?:\d+|"\d+")$/
    fc.assert(
      fc.property(
        fc
          .string({ unit: fc.constantFrom(...'0159.-+eE" \t\'=xX') })
          .filter((v) => !digits.test(v.trimEnd())),
        (value) => assert.deepEqual(windows(`stale-while-revalidate=${value}`, own)[0], 0),
      ),
    )
    assert.deepEqual(windows('stale-if-error=1, stale-if-error=2', own), [7000, 0])
  })

  it('are never longer than the largest number in the line', () => {
    const pieces = [
      'stale-while-revalidate',
      'stale-if-error',
      '=',
      ',',
      ';',
      '"',
      '\\',
      ' ',
      '7',
      '31',
    ]
    const lines = fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((all) => all.join(''))
    fc.assert(
      fc.property(lines, (line) => {
        const largest = Math.max(0, ...(line.match(/\d+/g) ?? []).map(Number)) * 1000
        for (const ms of windows(line, none)) assert.ok(ms >= 0 && ms <= largest, line)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('mayStandIn', () => {
  const failing = { sieMs: 5000 }
  it('is true until the window ends', () => {
    assert.equal(mayStandIn(entryOf(failing), at(14)), true)
    assert.equal(mayStandIn(entryOf(failing), at(15)), false)
    assert.equal(mayStandIn(entryOf(), at(1)), false)
  })

  it('is false for what is strict, for a failure, and for a client that says no-cache', () => {
    assert.equal(mayStandIn(entryOf({ ...failing, strict: true }), at(1)), false)
    assert.equal(mayStandIn(entryOf({ ...failing, status: 503 }), at(1)), false)
    assert.equal(mayStandIn(entryOf(failing), at(11), directivesOf('no-cache')), false)
    assert.equal(mayStandIn(entryOf(failing), at(11), directivesOf('max-age=0')), true)
  })

  it('is asked for failures of the server only', () => {
    const statuses = Array.from({ length: 500 }, (_, more) => 100 + more)
    assert.deepEqual(statuses.filter(standsInFor), [500, 502, 503, 504])
  })
})

describe('graceMs', () => {
  const strict = { strict: true }
  it('is for max-stale, where clients have a say', () => {
    assert.equal(graceMs(entryOf(), 'http'), 60_000)
    assert.equal(graceMs(entryOf(), 'app'), 0)
    assert.equal(graceMs(entryOf(strict), 'http'), 0)
  })

  it('is for the longer window', () => {
    assert.equal(graceMs(entryOf({ swrMs: 70_000, sieMs: 90_000 }), 'http'), 90_000)
  })

  it('is for another life where the entry can be validated', () => {
    const fields = { etag: '"a"' }
    const lives = [0, 90_000, 7_200_000]
    const graces = lives.map((lifeMs) => graceMs(entryOf({ ...strict, fields, lifeMs }), 'app'))
    assert.deepEqual(graces, [60_000, 90_000, 3_600_000])
  })
})
