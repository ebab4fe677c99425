import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { decodeEntry, type Entry, encodeEntry } from '../../lib/cache/entry.ts'
import { headSaid, sealedHead } from './sealed-head.ts'

const place = { key: 'cache:{a}', variant: '' }
const sound: Entry = {
  ...{ status: 200, fields: { 'content-type': 'text/plain' }, body: Buffer.from('hello') },
  ...{ storedAt: 1, ageMs: 2, lifeMs: 3, swrMs: 4, sieMs: 5, explicit: true, strict: false },
  ...{ marks: ['t:a', 'u:b'], since: 6, pieces: [2, 0, 3, 10] },
}

/** What is read of an entry whose head was changed. */
function read(change: Record<string, unknown>): Entry | undefined {
  const { head, body } = encodeEntry(place, sound)
  return decodeEntry(place, { head: sealedHead({ ...headSaid(head), ...change }, body), body })
}

const longest = 2 ** 31 * 1000
const pairs = (count: number) => Array.from({ length: count }, () => [0, 1]).flat()

const refused: readonly (readonly [says: string, change: Record<string, unknown>])[] = [
  ['the version before', { version: 3 }],
  ['another key', { key: 'cache:{b}' }],
  ['another variant', { variant: 'b' }],
  ['no marks', { marks: undefined }],
  ['marks that are not sorted', { marks: ['u:b', 't:a'] }],
  ['a mark twice', { marks: ['t:a', 't:a'] }],
  ['a mark of no kind', { marks: ['x:a'] }],
  ['a mark that is a number', { marks: [1] }],
  ['65 marks', { marks: Array.from({ length: 65 }, (_, at) => `t:${at + 100}`) }],
  ['no beginning', { since: undefined }],
  ['a beginning between two microseconds', { since: 1.5 }],
  ['a beginning before all time', { since: -1 }],
  ['a beginning that no number holds', { since: 2 ** 53 }],
  ['a time for stale use that is negative', { swrMs: -1 }],
  ['a time for stale use without end', { swrMs: longest + 1 }],
  ['no time for stale use on errors', { sieMs: undefined }],
  ['a time for stale use on errors without end', { sieMs: 1e300 }],
  ['pieces that are no list', { pieces: {} }],
  ['half a pair', { pieces: [5, 0, 0] }],
  ['pieces of less than the body', { pieces: [2, 0, 2, 10] }],
  ['pieces of more than the body', { pieces: [2, 0, 4, 10] }],
  ['pieces that take back', { pieces: [6, 0, -1, 10] }],
  ['pieces that go back in time', { pieces: [2, 10, 3, 9] }],
  ['a piece before the head', { pieces: [5, -1] }],
  ['half a byte', { pieces: [2.5, 0, 2.5, 1] }],
  ['half a millisecond', { pieces: [5, 0.5] }],
  ['a piece that is text', { pieces: ['5', 0] }],
  ['a piece that never came', { pieces: [5, null] }],
  ['2,001 pieces', { pieces: [...pairs(2000), 5, 1] }],
]

describe('a stored entry', () => {
  it('is read as it was written', () => {
    assert.deepEqual(decodeEntry(place, encodeEntry(place, sound)), sound)
  })

  it('is none with any byte of its head or body changed, cut off or added', () => {
    const { head, body } = encodeEntry(place, sound)
    const whole = Buffer.concat([head, body])
    const split = (bytes: Buffer) => ({
      head: bytes.subarray(0, head.length),
      body: bytes.subarray(head.length),
    })
    for (let at = 0; at < whole.length; at += 1) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.equal(decodeEntry(place, split(changed)), undefined, `byte ${at}`)
      if (at < head.length)
        assert.equal(decodeEntry(place, { head: head.subarray(0, at), body }), undefined)
    }
    const longer = Buffer.concat([head, Buffer.from(' ')])
    assert.equal(decodeEntry(place, { head: longer, body }), undefined)
  })

  it('of a body that did not come in pieces has none', () => {
    const whole = { ...sound, pieces: undefined }
    assert.deepEqual(decodeEntry(place, encodeEntry(place, whole)), whole)
  })

  it('has up to 2,000 pieces', () => {
    assert.ok(read({ pieces: [...pairs(1999), 5, 1] }))
  })

  for (const [says, change] of refused) {
    it(`is none with ${says}`, () => assert.equal(read(change), undefined))
  }

  it('lives no longer than a number of seconds can say, stale or not', () => {
    const spans = { lifeMs: longest + 1, swrMs: longest + 1, sieMs: Number.POSITIVE_INFINITY }
    const read = decodeEntry(place, encodeEntry(place, { ...sound, ...spans }))
    assert.deepEqual([read?.lifeMs, read?.swrMs, read?.sieMs], [longest, longest, longest])
  })
})
