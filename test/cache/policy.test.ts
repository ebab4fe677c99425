import assert from 'node:assert/strict'
import fc from 'fast-check'
import { cacheControl, isBare, namedFields, secondsOf } from '../../lib/cache/cache-control.ts'
import { cacheStatus } from '../../lib/cache/cache-status.ts'
import { canonicalJson } from '../../lib/cache/canonical-json.ts'
import { decodeEntry, encodeEntry } from '../../lib/cache/entry.ts'
import { controlsOf } from '../../lib/cache/freshness.ts'
import { httpDate } from '../../lib/cache/http-date.ts'
import { keyedQuery } from '../../lib/cache/query.ts'
import { learn, mergeVary, variantOf, varyNames } from '../../lib/cache/vary.ts'
import { entryOf } from './entry-of.ts'

describe('cacheControl', () => {
  const seconds: readonly (readonly [line: string | string[], seconds: number | undefined])[] = [
    ['max-age=60', 60],
    ['MAX-AGE=60', 60],
    ['max-age="60"', 60],
    ['max-age=0060', 60],
    ['private, max-age=60', 60],
    [['private', 'max-age=60'], 60],
    ['max-age=60;private', 60],
    ['max-age=99999999999', 2_147_483_648],
    ['max-age=60, max-age=60', 60],
    ['max-age=60, max-age=90', 0],
    ['max-age', 0],
    ['max-age=', 0],
    ['max-age=-1', 0],
    ['max-age=1.5', 0],
    ['max-age=6O', 0],
    ['max-age =60', 0],
    ["max-age='60'", 0],
    ['x="max-age=60"', undefined],
    ['x="\\", max-age=60"', undefined],
    ['x-max-age=60', undefined],
    ['', undefined],
  ]
  for (const [line, expected] of seconds) {
    it(`reads max-age of ${JSON.stringify(line)} as ${expected}`, () => {
      assert.equal(secondsOf(cacheControl({ 'cache-control': line }), 'max-age'), expected)
    })
  }

  it('tells fields that a directive names from a directive for the whole response', () => {
    const directives = cacheControl({ 'cache-control': 'no-cache="A, b", private' })
    assert.deepEqual(namedFields(directives, 'no-cache'), ['a', 'b'])
    assert.deepEqual([isBare(directives, 'no-cache'), isBare(directives, 'private')], [false, true])
  })

  it('never fails', () => {
    fc.assert(
      fc.property(fc.string(), (line) => {
        const directives = cacheControl({ 'cache-control': line })
        assert.notEqual(secondsOf(directives, 'max-age'), Number.NaN)
      }),
    )
  })
})

describe('controlsOf', () => {
  const ageOf = (field: string): number | undefined =>
    secondsOf(
      controlsOf({ 'cdn-cache-control': field, 'cache-control': 'max-age=1' }).directives,
      'max-age',
    )

  for (const [field, seconds] of [
    ['max-age=60', 60],
    ['max-age=60;x=1, public', 60],
    ['max-age="60"', 1],
    ['max-age=60, &', 1],
    ['', 1],
    ['no-store', undefined],
  ] as const) {
    it(`lets CDN-Cache-Control: ${field} say ${seconds}`, () => {
      assert.equal(ageOf(field), seconds)
    })
  }
})

describe('httpDate', () => {
  const now = Date.UTC(2026, 0, 1)
  for (const text of [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'sun, 06 NOV 1994 08:49:37 gmt',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
  ]) {
    it(`reads ${text}`, () => {
      assert.equal(httpDate(text, now), Date.UTC(1994, 10, 6, 8, 49, 37))
    })
  }

  it('reads two digits of a year as at most fifty years ahead', () => {
    assert.equal(httpDate('Sunday, 06-Nov-75 00:00:00 GMT', now), Date.UTC(2075, 10, 6))
  })

  for (const text of [
    '0',
    '1994-11-06T08:49:37Z',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 CET',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 25:49:37 GMT',
    'Sun, 06 Non 1994 08:49:37 GMT',
  ]) {
    it(`refuses ${text}`, () => {
      assert.equal(httpDate(text, now), undefined)
    })
  }
})

describe('vary', () => {
  it('reads names as a sorted set', () => {
    assert.deepEqual(varyNames({ vary: ['B, a', 'b,'] }), ['a', 'b'])
  })

  it('knows no variants for *, for what is no name, and for a crowd of names', () => {
    const crowd = Array.from({ length: 17 }, (_, at) => `x-${at}`).join()
    for (const vary of ['*', 'a, *', 'a b', crowd]) assert.equal(varyNames({ vary }), undefined)
  })

  it('keeps what it learned, within bounds', () => {
    const many = Array.from({ length: 16 }, (_, at) => `x-${at}`)
    assert.deepEqual(learn(['a'], ['b', 'a']), ['a', 'b'])
    assert.deepEqual(learn(many, ['b']), ['b'])
  })

  it('names a variant by name and value, so that nothing reads alike', () => {
    const one = variantOf(['a', 'b'], { a: '1', b: '2' })
    assert.notEqual(one, variantOf(['a', 'b'], { a: '1b', b: '2' }))
    assert.notEqual(variantOf(['a'], { a: '1' }), variantOf(['b'], { b: '1' }))
    assert.equal(variantOf([], { a: '1' }), '')
  })

  it('merges two fields into one', () => {
    assert.equal(mergeVary('Origin, Accept', 'accept, X-A'), 'Origin, Accept, X-A')
    assert.equal(mergeVary(undefined, 'A'), 'A')
  })
})

describe('canonicalJson', () => {
  const bounds = { maxDepth: 8, maxLength: 1000 }

  it('is the same for what means the same, and else different', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (one, other) => {
        const [a, b] = [canonicalJson(one, bounds), canonicalJson(other, bounds)]
        if (a === undefined || b === undefined) return
        assert.equal(canonicalJson(structuredClone(one), bounds), a)
        if (a === b) assert.deepEqual(JSON.parse(a), JSON.parse(b))
      }),
    )
  })

  it('has no form for what is too deep, too long, or no JSON', () => {
    const deep = JSON.parse('['.repeat(9) + ']'.repeat(9))
    for (const value of [deep, 'x'.repeat(1000), [undefined], new Map(), [new Date()], 1n])
      assert.equal(canonicalJson(value, bounds), undefined)
  })
})

describe('keyedQuery', () => {
  it('keeps pairs as they were sent', () => {
    const query = '%71=1&u=2&q[a]=%33&q=+&[q]=4&qq=5&q.a=6'
    assert.equal(keyedQuery(query, ['q']), '%71=1&q[a]=%33&q=+&[q]=4')
    assert.equal(keyedQuery(query, { ignore: ['q'] }), 'u=2&[q]=4&qq=5&q.a=6')
    assert.equal(keyedQuery('%zz=1&q=1', ['q']), 'q=1')
  })
})

describe('entries', () => {
  const place = { key: 'cache:{a}', variant: '' }
  const entry = entryOf(Buffer.from([0, 255]), { fields: { 'x-a': ['1', '2'] } })

  it('come back as they went', () => {
    assert.deepEqual(decodeEntry(place, encodeEntry(place, entry)), entry)
  })

  it('are not taken for those of another place', () => {
    const stored = encodeEntry(place, entry)
    assert.equal(decodeEntry({ ...place, key: 'cache:{b}' }, stored), undefined)
    assert.equal(decodeEntry({ ...place, variant: 'v' }, stored), undefined)
  })

  it('are refused when a byte of the body is missing, or the head is no head', () => {
    const stored = encodeEntry(place, entry)
    assert.equal(decodeEntry(place, { ...stored, body: Buffer.from([0]) }), undefined)
    fc.assert(
      fc.property(fc.uint8Array(), (head) => {
        assert.equal(decodeEntry(place, { ...stored, head }), undefined)
      }),
    )
  })
})

describe('cacheStatus', () => {
  it('comes after the caches before', () => {
    assert.equal(cacheStatus('a; hit', { hit: { ttl: 3 } }), 'a; hit, memoryware; hit; ttl=3')
    assert.equal(
      cacheStatus(undefined, { fwd: 'bypass', detail: 'cookie' }),
      'memoryware; fwd=bypass; detail=cookie',
    )
  })
})
