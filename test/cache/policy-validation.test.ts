import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Fields } from '../../lib/cache/fields.ts'
import { freshenedFields, isWithdrawn } from '../../lib/cache/freshened.ts'
import { type HeadSays, headSays } from '../../lib/cache/head-update.ts'
import {
  type Agreement,
  agreementOf,
  hasValidator,
  validatorsOf,
} from '../../lib/cache/validators.ts'
import { entryOf, judge, made } from './policy-entry.ts'

const date = new Date(made).toUTCString()
const earlier = new Date(made - 60_000).toUTCString()
const later = new Date(made + 60_000).toUTCString()

describe('validatorsOf', () => {
  const table: readonly (readonly [says: string, fields: Fields, sent: Record<string, string>])[] =
    [
      ['a strong tag', { etag: '"a"' }, { 'if-none-match': '"a"' }],
      ['a weak tag', { etag: 'W/"a"' }, { 'if-none-match': 'W/"a"' }],
      ['a tag without quotes', { etag: 'abc' }, { 'if-none-match': 'abc' }],
      ['a date', { 'last-modified': earlier }, { 'if-modified-since': earlier }],
      [
        'both',
        { etag: '"a"', 'last-modified': earlier },
        { 'if-none-match': '"a"', 'if-modified-since': earlier },
      ],
      ['the date of the second it was made in', { 'last-modified': date }, {}],
      ['a date that is none', { 'last-modified': 'yesterday' }, {}],
      ['two dates', { 'last-modified': [earlier, earlier] }, {}],
      ['two tags', { etag: ['"a"', '"b"'] }, {}],
      ['a list of tags', { etag: '"a", "b"' }, {}],
      ['what every tag matches', { etag: '*' }, {}],
      ['an open quote', { etag: '"a' }, {}],
      ['nothing', {}, {}],
    ]
  for (const [says, fields, sent] of table) {
    it(`makes ${JSON.stringify(sent)} of ${says}`, () => {
      assert.deepEqual(validatorsOf(entryOf({ fields: { date, ...fields } })), sent)
    })
  }

  it('makes none of what is no success', () => {
    assert.deepEqual(validatorsOf(entryOf({ status: 404, fields: { etag: '"a"' } })), {})
  })

  it('never makes a list, or the wildcard, of any tag', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'W/"*, \ta\\\0é') }), (etag) => {
        const sent = validatorsOf(entryOf({ fields: { etag } }))['if-none-match']
        if (sent === undefined) return
        assert.notEqual(sent, '*')
        assert.match(sent, /^(?:(?:W\/)?"[^"]*"|[^",\s]+)$/)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('agreementOf', () => {
  const etag = (tag: string): Fields => ({ etag: tag })
  const changed = { 'last-modified': earlier }
  const table: readonly (readonly [Fields, Fields, Agreement])[] = [
    [etag('"a"'), etag('"a"'), 'same'],
    [etag('"a"'), etag('"b"'), 'other'],
    // RFC 9110 section 8.8.3.2: strong comparison where the new tag is strong.
    [etag('W/"a"'), etag('"a"'), 'other'],
    [etag('"a"'), etag('W/"a"'), 'same'],
    [etag('W/"a"'), etag('W/"a"'), 'same'],
    [etag('"A"'), etag('"a"'), 'other'],
    [{ ...etag('"a"'), ...changed }, { ...etag('"b"'), ...changed }, 'other'],
    [{ ...etag('"a"'), ...changed }, changed, 'same'],
    [changed, changed, 'same'],
    [changed, { 'last-modified': later }, 'other'],
    [changed, { ...changed, ...etag('"a"') }, 'same'],
    [changed, etag('"a"'), 'other'],
    [etag('"a"'), changed, 'other'],
    [{}, changed, 'other'],
    [changed, {}, 'unknown'],
    [etag('"a"'), {}, 'unknown'],
    [etag('"a"'), { etag: ['"a"', '"a"'] }, 'other'],
    [{}, {}, 'unknown'],
  ]
  for (const [stored, received, is] of table) {
    it(`of ${JSON.stringify(stored)} and ${JSON.stringify(received)} is ${is}`, () => {
      assert.equal(agreementOf(stored, received), is)
    })
  }

  it('never agrees with what was not stored', () => {
    const tags = fc.option(fc.constantFrom('"a"', '"b"', 'W/"a"', '*', '"a', 'a, b'), {
      nil: undefined,
    })
    const heads = fc.record({ tag: tags, at: fc.option(fc.constantFrom(earlier, later, 'x')) })
    const fieldsOf = ({ tag, at }: { tag: string | undefined; at: string | null }): Fields => ({
      ...(tag === undefined ? {} : { etag: tag }),
      ...(at === null ? {} : { 'last-modified': at }),
    })
    fc.assert(
      fc.property(heads, heads, (one, other) => {
        if (agreementOf(fieldsOf(one), fieldsOf(other)) !== 'same') return
        assert.ok(hasValidator(fieldsOf(one)) && hasValidator(fieldsOf(other)))
        const tagged = one.tag?.replace('W/', '') === other.tag?.replace('W/', '')
        assert.ok((tagged && one.tag !== undefined) || one.at === other.at)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('freshenedFields', () => {
  const stored: Fields = {
    date,
    etag: '"a"',
    'cache-control': 'max-age=2',
    'content-type': 'text/plain',
    'content-encoding': 'br',
    'x-kept': '1',
    'x-new': '1',
  }
  const now = made + 5000
  const freshen = (received: Fields, fields = stored): Fields =>
    freshenedFields(entryOf({ fields }), received, now) ?? assert.fail('for another')

  it('keeps what the 304 does not speak of, and takes what it does', () => {
    const fresh = freshen({ etag: '"a"', 'x-new': '2', 'cache-control': 'max-age=60' })
    assert.deepEqual(
      [fresh['x-kept'], fresh['x-new'], fresh['cache-control']],
      ['1', '2', 'max-age=60'],
    )
  })

  it('keeps what describes the bytes that are kept', () => {
    const other = {
      'content-type': 'text/html',
      'content-encoding': 'gzip',
      'content-length': '10',
      'content-range': 'bytes 0-1/2',
    }
    const fresh = freshen({ etag: 'W/"a"', ...other, 'content-location': '/b' })
    assert.equal(fresh['content-type'], 'text/plain')
    assert.equal(fresh['content-encoding'], 'br')
    assert.equal(fresh['etag'], '"a"')
    assert.equal(fresh['content-location'], '/b')
    assert.ok(!('content-length' in fresh) && !('content-range' in fresh))
  })

  it('dates anew what comes without a date, so that its life begins anew', () => {
    assert.equal(freshen({})['date'], new Date(now).toUTCString())
    assert.equal(freshen({ date: 'soon' })['date'], new Date(now).toUTCString())
    assert.equal(freshen({ date: later })['date'], later)
  })

  it('leaves fields of the connection and of one visitor out', () => {
    const received = { connection: 'x-hop', 'x-hop': '1', 'retry-after': '9', 'x-ratelimit-a': '1' }
    const fresh = freshen(received)
    assert.ok(Object.keys(received).every((name) => !(name in fresh)))
  })

  it('shows Age and Set-Cookie to who decides whether it may be stored', () => {
    const fresh = freshen({ age: '3', 'set-cookie': ['a=b'], 'cache-control': 'max-age=9' })
    assert.deepEqual([fresh['age'], fresh['set-cookie']], [['3'], ['a=b']])
    assert.equal(judge(fresh).refusal, 'set-cookie')
  })

  it('is nothing where the 304 is for another response', () => {
    assert.equal(freshenedFields(entryOf({ fields: stored }), { etag: '"b"' }, now), undefined)
  })

  it('takes a tag that the entry did not have', () => {
    const { etag: _, ...untagged } = stored
    const dated = { ...untagged, 'last-modified': earlier }
    assert.equal(freshen({ etag: '"n"', 'last-modified': earlier }, dated)['etag'], '"n"')
  })

  it('lets the new head forbid what the old one allowed', () => {
    for (const refusal of ['no-store', 'private'] as const) {
      assert.equal(judge(freshen({ 'cache-control': refusal })).refusal, refusal)
      assert.ok(isWithdrawn(refusal))
    }
    for (const refusal of ['set-cookie', 'cookie', 'authorization', 'user', 'stale'] as const)
      assert.ok(!isWithdrawn(refusal))
  })

  it('never fails, and never replays what belongs to one answer', () => {
    const names = [
      'etag',
      'date',
      'age',
      'connection',
      'vary',
      'content-type',
      'x-a',
      'transfer-encoding',
    ]
    const head = fc.dictionary(
      fc.constantFrom(...names),
      fc.oneof(fc.string(), fc.array(fc.string())),
    )
    fc.assert(
      fc.property(head, (received) => {
        const fresh = freshenedFields(entryOf({ fields: stored }), received, now)
        if (fresh === undefined) return
        assert.equal(fresh['content-type'], 'text/plain')
        assert.ok(!('connection' in fresh) && !('transfer-encoding' in fresh))
      }),
    )
  })
})

describe('headSays', () => {
  const stored = entryOf({ fields: { date, etag: '"a"', 'last-modified': earlier } })
  const table: readonly (readonly [says: string, status: number, fields: Fields, HeadSays])[] = [
    ['the same tag', 200, { etag: '"a"' }, 'freshen'],
    ['the same date', 200, { 'last-modified': earlier }, 'freshen'],
    ['the same tag and length', 200, { etag: '"a"', 'content-length': '4' }, 'freshen'],
    ['the same tag, another length', 200, { etag: '"a"', 'content-length': '5' }, 'invalidate'],
    ['another length', 200, { 'content-length': '5' }, 'invalidate'],
    ['a length that is none', 200, { 'content-length': 'x' }, 'invalidate'],
    ['another tag', 200, { etag: '"b"' }, 'invalidate'],
    ['another date', 200, { 'last-modified': later }, 'invalidate'],
    ['nothing to compare', 200, { 'content-length': '4' }, 'nothing'],
    ['an error', 410, { etag: '"b"' }, 'nothing'],
    ['a 304', 304, { etag: '"a"' }, 'nothing'],
  ]
  for (const [says, status, fields, is] of table) {
    it(`says ${is} for ${says}`, () => assert.equal(headSays(stored, { status, fields }), is))
  }

  it('says nothing of a stored error', () => {
    assert.equal(
      headSays({ ...stored, status: 404 }, { status: 200, fields: { etag: '"b"' } }),
      'nothing',
    )
  })
})
