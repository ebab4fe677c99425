import assert from 'node:assert/strict'
import fc from 'fast-check'
import { cacheStatus } from '../../lib/cache/cache-status.ts'
import type { Fields } from '../../lib/cache/fields.ts'
import { groupsOf, invalidatedGroupsOf } from '../../lib/cache/groups.ts'
import { invalidated, isSafe } from '../../lib/cache/invalidation.ts'

const marking = { target: (target: string) => `u:${target}`, group: (name: string) => `g:${name}` }
const base = { method: 'POST', protocol: 'https', host: 'a.example', url: '/list?x=1' }

function marks(fields: Fields, over: Partial<typeof base & { status: number }> = {}) {
  const { status = 200, ...request } = over
  return invalidated({ ...base, ...request }, { status, fields }, marking)
}

describe('invalidated', () => {
  it('is the target of a change that succeeded (RFC 9111 section 4.4)', () => {
    for (const status of [200, 201, 204, 303, 399])
      assert.deepEqual(marks({}, { status }), ['u:/list?x=1'])
  })

  it('is nothing after an error', () => {
    for (const status of [199, 400, 404, 500, 503])
      assert.deepEqual(marks({ location: '/a', 'cache-group-invalidation': '"g"' }, { status }), [])
  })

  for (const method of [
    'GET',
    'HEAD',
    'OPTIONS',
    'TRACE',
    'QUERY',
    'PROPFIND',
    'REPORT',
    'SEARCH',
  ]) {
    it(`is nothing for ${method}`, () => {
      assert.ok(isSafe(method))
      assert.deepEqual(marks({ 'cache-group-invalidation': '"g"' }, { method }), [])
    })
  }

  for (const method of ['PUT', 'PATCH', 'DELETE', 'M-SEARCH', 'MKCOL', 'get', 'UNHEARD-OF']) {
    it(`is something for ${method}`, () => assert.equal(marks({}, { method }).length, 1))
  }

  const references: readonly (readonly [reference: string, mark: string | undefined])[] = [
    ['/b', 'u:/b'],
    ['b?y=2#z', 'u:/b?y=2'],
    ['?y=2', 'u:/list?y=2'],
    ['https://a.example/b', 'u:/b'],
    ['https://A.example:443/b', 'u:/b'],
    ['//a.example/b', 'u:/b'],
    ['/b/../c', 'u:/c'],
    ['http://a.example/b', undefined],
    ['https://a.example:8443/b', undefined],
    ['https://b.example/b', undefined],
    ['//b.example/b', undefined],
    ['https://', undefined],
    ['javascript:alert(1)', undefined],
  ]
  for (const [reference, mark] of references) {
    it(`takes ${reference} for ${mark ?? 'somebody else’s'}`, () => {
      for (const name of ['location', 'content-location'])
        assert.deepEqual(marks({ [name]: reference }), ['u:/list?x=1', ...(mark ? [mark] : [])])
    })
  }

  it('names each mark once', () => {
    const fields = { location: '/list?x=1', 'content-location': ['/b', '/b'] }
    assert.deepEqual(marks(fields), ['u:/list?x=1', 'u:/b'])
  })

  it('does not take a path of two slashes for a host', () => {
    assert.deepEqual(marks({ location: 'b' }, { url: '//b.example/a' }), [
      'u://b.example/a',
      'u://b.example/b',
    ])
  })

  it('purges the groups that the answer names (RFC 9875 section 3)', () => {
    const fields = { 'cache-group-invalidation': ['"a", "b";x=1', '"a"'] }
    assert.deepEqual(marks(fields), ['u:/list?x=1', 'g:a', 'g:b'])
  })

  it('never fails, and never names what is no path', () => {
    const some = fc.oneof(
      fc.string(),
      fc.webUrl(),
      fc.constantFrom('http://[', '//', '\\\\x', '/%'),
    )
    fc.assert(
      fc.property(some, some, some, (location, host, url) => {
        const fields = { location, 'cache-group-invalidation': location }
        for (const mark of marks(fields, { host, url }).slice(1))
          assert.ok(mark.startsWith('u:/') || mark.startsWith('g:'))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('groups', () => {
  const read = (line: string | string[]) => groupsOf({ 'cache-groups': line })
  it('are the strings of a list (RFC 9875 section 2)', () => {
    assert.deepEqual(read('"a", "B";p=1, "a"'), ['a', 'B'])
    assert.deepEqual(read(['"a"', '"b"']), ['a', 'b'])
    assert.deepEqual(read('"a", b, 1, ("c"), ?1, "\\"d"'), ['a', '"d'])
    assert.deepEqual(groupsOf({}), [])
  })

  it('are none where the field is no list', () => {
    for (const line of ['"a', '"a" "b"', '"a",', "'a'", '"é"', '='])
      assert.deepEqual(read(line), [])
  })

  it('are 32 at most, of any length', () => {
    const many = Array.from({ length: 40 }, (_, at) => `"${at}${'x'.repeat(200)}"`).join(', ')
    assert.equal(read(many).length, 32)
    assert.equal(invalidatedGroupsOf({ 'cache-group-invalidation': many }).length, 40)
  })

  it('never fail', () => {
    const lines = fc.string({ unit: fc.constantFrom(...'"\\,; ()=?1aé:@*%') })
    fc.assert(
      fc.property(lines, (line) => {
        for (const name of read(line)) assert.equal(typeof name, 'string')
      }),
      { numRuns: 1000 },
    )
  })
})

describe('cacheStatus of stale answers (RFC 9211)', () => {
  const table = [
    [
      { hit: { ttl: -3 }, detail: 'stale-while-revalidate' },
      'hit; ttl=-3; detail=stale-while-revalidate',
    ],
    [
      { fwd: 'stale', fwdStatus: 304, ttl: 60, stored: true },
      'fwd=stale; fwd-status=304; ttl=60; stored',
    ],
    [
      { fwd: 'stale', fwdStatus: 503, ttl: -9, detail: 'stale-if-error' },
      'fwd=stale; fwd-status=503; ttl=-9; detail=stale-if-error',
    ],
    [{ fwd: 'miss', collapsed: true }, 'fwd=miss; collapsed'],
  ] as const
  for (const [fact, says] of table) {
    it(`says ${says}`, () => assert.equal(cacheStatus(undefined, fact), `memoryware; ${says}`))
  }
})
