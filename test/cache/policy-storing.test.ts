import assert from 'node:assert/strict'
import fc from 'fast-check'
import { cacheControl } from '../../lib/cache/cache-control.ts'
import type { Fields } from '../../lib/cache/fields.ts'
import { notInKey, personalFields } from '../../lib/cache/personal.ts'
import type { Candidate, Refusal } from '../../lib/cache/storable.ts'
import { judge, made } from './policy-entry.ts'

const etag = '"a"'
const past = new Date(made - 60_000).toUTCString()

describe('what is stale from the start', () => {
  const stored: readonly (readonly [says: string, Fields])[] = [
    ['no-cache', { etag, 'cache-control': 'no-cache' }],
    ['no-cache beside a life', { etag, 'cache-control': 'max-age=60, no-cache' }],
    ['max-age=0', { etag, 'cache-control': 'max-age=0' }],
    ['an Expires that has passed', { etag, expires: past }],
    ['an Expires that is no date', { etag, expires: '0' }],
    ['what was changed before', { 'last-modified': past, 'cache-control': 'no-cache' }],
  ]
  for (const [says, fields] of stored) {
    it(`is stored to be validated: ${says}`, () => {
      const { refusal, freshness } = judge(fields)
      assert.equal(refusal, undefined)
      assert.deepEqual(freshness, { lifeMs: 0, from: 'origin', explicit: false })
    })
  }

  const noCache = { etag, 'cache-control': 'max-age=60, no-cache' }
  const refused: readonly (readonly [
    says: string,
    Fields,
    Partial<Candidate> & { ttlMs?: number },
    Refusal,
  ])[] = [
    ['without a validator', { 'cache-control': 'no-cache' }, {}, 'no-cache'],
    ['without a validator: max-age=0', { 'cache-control': 'max-age=0' }, {}, 'stale'],
    ['with a tag that is none', { ...noCache, etag: '"a' }, {}, 'no-cache'],
    ['where nothing is validated', noCache, { revalidates: false }, 'no-cache'],
    ['for a request with a cookie', noCache, { credential: 'cookie' }, 'no-cache'],
    ['for a signed-in user', { etag, expires: past }, { credential: 'user' }, 'stale'],
    ['for a field that tells who asks', noCache, { personal: ['x-api-key'] }, 'no-cache'],
    ['for an error', noCache, { status: 404 }, 'no-cache'],
    ['where the application says 0', { etag }, { ttlMs: 0 }, 'stale'],
    ['where nobody says', { etag }, {}, 'stale'],
    ['with no-store', { etag, 'cache-control': 'no-store, no-cache' }, {}, 'no-store'],
    ['with private', { etag, 'cache-control': 'private, no-cache' }, {}, 'private'],
  ]
  for (const [says, fields, over, refusal] of refused) {
    it(`is not stored ${says}`, () => assert.equal(judge(fields, over).refusal, refusal))
  }

  // `Date` has whole seconds: what is made just before one ends comes in a second old.
  it('is stored where its life was over on the way', () => {
    const short = { 'cache-control': 'max-age=1' }
    const late = { ageMs: 1000 }
    assert.equal(judge({ ...short, etag }, late).refusal, undefined)
    assert.equal(judge(short, { ...late, windowMs: 1 }).refusal, undefined)
    assert.equal(judge(short, late).refusal, 'stale')
    assert.equal(judge(short, { ageMs: 1001, windowMs: 1 }).refusal, 'stale')
    assert.equal(judge({ ...short, etag }, { ...late, revalidates: false }).refusal, 'stale')
    const zero = { 'cache-control': 'max-age=0' }
    assert.equal(judge(zero, { windowMs: 9000 }).refusal, 'stale')
  })

  it('is stored for whom the key tells apart', () => {
    const known = { personal: ['x-api-key'], credential: 'user' } as const
    assert.equal(judge(noCache, { ...known, scoping: 'id' }).refusal, undefined)
    const varied = { ...noCache, vary: 'X-Api-Key' }
    assert.equal(judge(varied, { personal: ['x-api-key'] }).refusal, undefined)
  })

  it('has no life whatever the application gives', () => {
    assert.equal(judge(noCache, { ttlMs: 9000 }).freshness?.lifeMs, 0)
    assert.equal(judge(noCache, { ttlMs: 9000, mode: 'app' }).freshness?.lifeMs, 0)
  })

  it('is never stored for somebody, or without a validator, whatever the field says', () => {
    const pieces = ['no-cache', 'max-age', '=', '0', '9', ',', ' ', '"', 'public', 's-maxage', ';']
    const lines = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((all) => all.join(''))
    fc.assert(
      fc.property(lines, (line) => {
        const somebody = judge({ etag, 'cache-control': line }, { credential: 'cookie' })
        const kept = somebody.refusal === undefined
        assert.ok(!kept || (somebody.freshness?.explicit && somebody.freshness.lifeMs > 0))
        const untagged = judge({ 'cache-control': line })
        assert.ok(untagged.refusal !== undefined || untagged.freshness?.lifeMs !== 0)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('no-store beside must-understand', () => {
  const line = 'max-age=60, no-store, must-understand'
  it('is lifted where the status is understood (RFC 9111 section 5.2.2.3)', () => {
    assert.equal(judge({ 'cache-control': line }).refusal, undefined)
    assert.equal(judge({ 'cache-control': line }, { status: 599 }).refusal, 'status')
  })

  const refused: readonly (readonly [
    says: string,
    Fields,
    (Partial<Candidate> & { ttlMs?: number })?,
  ])[] = [
    ['nobody states a life', { 'cache-control': 'no-store, must-understand' }, { ttlMs: 9000 }],
    ['a comma is missing', { 'cache-control': 'max-age=60, must-understand no-store' }],
    ['it has a value', { 'cache-control': 'max-age=60, must-understand=1, no-store' }],
    ['the request is somebody’s', { 'cache-control': line }, { credential: 'cookie' }],
    ['another field rules', { 'cache-control': line, 'cdn-cache-control': 'max-age=60' }],
    ['it stands alone', { 'cache-control': 'max-age=60, no-store' }],
  ]
  for (const [says, fields, over] of refused) {
    it(`is not lifted where ${says}`, () => {
      assert.equal(judge(fields, over).refusal, 'no-store')
    })
  }

  it('is not lifted where a middleware wrote it too', () => {
    const outside = cacheControl({ 'cache-control': [line, 'no-store'] })
    assert.equal(judge({ 'cache-control': line }, { untargeted: outside }).refusal, 'no-store')
  })

  it('does not lift private', () => {
    assert.equal(judge({ 'cache-control': `${line}, private` }).refusal, 'private')
  })
})

describe('personalFields', () => {
  const telling = {
    'x-api-key': 'a',
    'X-Auth-Token': 'b',
    'x-forwarded-user': 'c',
    'cf-access-jwt-assertion': 'd',
    'x-ms-client-principal': 'e',
    'x-tenant': 'f',
    authorization: 'g',
  }
  const plain = {
    accept: '*/*',
    'user-agent': 'a',
    'sec-fetch-mode': 'cors',
    'x-forwarded-for': 'b',
    host: 'c',
    traceparent: 'd',
    'x-absent-token': undefined,
  }
  it('are those whose names may tell who asks', () => {
    assert.deepEqual(personalFields({ ...telling, ...plain }), Object.keys(telling))
  })

  it('are not those in the key, nor those that answers vary by', () => {
    assert.deepEqual(personalFields({ 'X-Api-Key': 'a' }, ['x-api-key']), [])
    assert.equal(notInKey(['X-Api-Key'], { vary: 'x-api-key' }), false)
    assert.equal(notInKey(['x-api-key', 'x-user'], { vary: 'x-api-key' }), true)
    assert.equal(notInKey([], {}), false)
  })
})
