import assert from 'node:assert/strict'
import { escapePattern } from '../lib/keys.ts'
import type { Command } from '../lib/ports/key-value.ts'
import { redacted } from '../lib/redact.ts'
import { eventually, failsWith, within } from './expectations.ts'
import { fresh, hostile } from './names.ts'
import { patterns } from './patterns.ts'
import type { Suite } from './suite.ts'

const minuteMs = 60_000
const text = (value: string) => Buffer.from(value)

/** What single values must do, on every provider. */
export function keyValueContract(suite: Suite): void {
  const { describe } = suite
  describe('values', () => values(suite))
  describe('several values', () => severalValues(suite))
  describe('times to live', () => timesToLive(suite))
  describe('counters', () => counters(suite))
  describe('patterns', () => patterns(suite))
  describe('batches', () => batches(suite))
}

function values({ open, it }: Suite): void {
  it('gives back the bytes that were set', async () => {
    const key = fresh()
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    await open().set(key, everyByte, undefined)
    assert.deepEqual(await open().get(key), everyByte)
  })

  it('gives undefined for a key that is absent', async () => {
    assert.equal(await open().get(fresh()), undefined)
  })

  it('keeps an empty value', async () => {
    const key = fresh()
    await open().set(key, Buffer.alloc(0), undefined)
    assert.deepEqual(await open().get(key), Buffer.alloc(0))
  })

  it('keeps a value of a megabyte', async () => {
    const key = fresh()
    const large = Buffer.alloc(1024 * 1024, 'memory')
    await open().set(key, large, minuteMs)
    const found = (await open().get(key)) ?? Buffer.alloc(0)
    assert.ok(large.equals(found), `${found.length} bytes of another value`)
  })

  it('takes a piece of a larger array for what it is', async () => {
    const key = fresh()
    await open().set(key, new Uint8Array([1, 2, 3, 4]).subarray(1, 3), undefined)
    assert.deepEqual(await open().get(key), Buffer.from([2, 3]))
  })

  it('keeps the bytes of a buffer that hides its text', async () => {
    const key = fresh()
    await open().set(key, redacted('secret'), undefined)
    assert.deepEqual(await open().get(key), text('secret'))
  })

  it('keeps a copy: a later change of what was handed in or out changes nothing', async () => {
    const key = fresh()
    const handedIn = text('first')
    await open().set(key, handedIn, undefined)
    handedIn.fill('x')
    const handedOut = await open().get(key)
    handedOut?.fill('y')
    assert.deepEqual(await open().get(key), text('first'))
  })

  it('keeps each hostile key apart from all others', async () => {
    for (const [at, key] of hostile.entries()) await open().set(key, text(`${at}`), minuteMs)
    for (const [at, key] of hostile.entries()) {
      assert.deepEqual(await open().get(key), text(`${at}`), JSON.stringify(key))
    }
    assert.equal(await open().delete(hostile), hostile.length)
    assert.equal(await open().exists(hostile), 0)
  })
}

function severalValues({ open, it }: Suite): void {
  it('gives one element a key, in their order', async () => {
    const [one, two] = [fresh(), fresh()]
    await open().set(one, text('1'), undefined)
    await open().set(two, text('2'), undefined)
    const found = await open().mget([two, fresh(), one, two])
    assert.deepEqual(found, [text('2'), undefined, text('1'), text('2')])
  })

  it('counts a key once when it is deleted, and as often as it is named when it is there', async () => {
    const [key, other] = [fresh(), fresh()]
    await open().set(key, text('1'), undefined)
    assert.equal(await open().exists([key, other, key]), 2)
    assert.equal(await open().delete([key, other, key]), 1)
    assert.equal(await open().exists([key]), 0)
  })

  it('sets several at once, with one time to live', async () => {
    const [one, two, kept] = [fresh(), fresh(), fresh()]
    await open().set(one, text('old'), undefined)
    await open().mset(
      new Map([
        [one, text('1')],
        [two, Buffer.alloc(0)],
      ]),
      minuteMs,
    )
    await open().mset(new Map([[kept, text('3')]]), undefined)
    assert.deepEqual(await open().mget([one, two, kept]), [text('1'), Buffer.alloc(0), text('3')])
    for (const key of [one, two]) within(await open().ttl(key), minuteMs)
    assert.equal(await open().ttl(kept), Number.POSITIVE_INFINITY)
    await open().delete([one, two, kept])
  })

  it('has nothing to do for no keys', async () => {
    await open().mset(new Map(), minuteMs)
    assert.deepEqual(await open().mget([]), [])
    assert.equal(await open().delete([]), 0)
    assert.equal(await open().exists([]), 0)
  })
}

function timesToLive({ open, it }: Suite): void {
  it('tells the time left, Infinity for ever, undefined for an absent key', async () => {
    const [mortal, eternal] = [fresh(), fresh()]
    await open().set(mortal, text('1'), minuteMs)
    await open().set(eternal, text('1'), undefined)
    within(await open().ttl(mortal), minuteMs)
    assert.equal(await open().ttl(eternal), Number.POSITIVE_INFINITY)
    assert.equal(await open().ttl(fresh()), undefined)
  })

  it('forgets a value after its time to live', async () => {
    const key = fresh()
    await open().set(key, text('1'), 30)
    await eventually(async () => (await open().get(key)) === undefined)
    assert.equal(await open().exists([key]), 0)
    assert.equal(await open().ttl(key), undefined)
    assert.equal(await open().expire(key, minuteMs), false)
    assert.equal(await open().delete([key]), 0)
    assert.deepEqual(await open().keys(escapePattern(key)), [])
  })

  it('replaces the time to live with the value', async () => {
    const key = fresh()
    await open().set(key, text('1'), minuteMs)
    await open().set(key, text('2'), undefined)
    assert.equal(await open().ttl(key), Number.POSITIVE_INFINITY)
  })

  it('sets a time to live anew', async () => {
    const key = fresh()
    await open().set(key, text('1'), undefined)
    assert.equal(await open().expire(key, minuteMs), true)
    within(await open().ttl(key), minuteMs)
    assert.equal(await open().expire(key, 30), true)
    await eventually(async () => (await open().get(key)) === undefined)
  })

  it('says that an absent key cannot expire', async () => {
    assert.equal(await open().expire(fresh(), minuteMs), false)
  })

  it('removes a key that is to expire now', async () => {
    const key = fresh()
    await open().set(key, text('1'), undefined)
    assert.equal(await open().expire(key, 0), true)
    assert.equal(await open().exists([key]), 0)
  })
}

function counters({ open, it }: Suite): void {
  it('adds, from 0, and gives the sum', async () => {
    const key = fresh()
    assert.equal(await open().incr(key, 5), 5)
    assert.equal(await open().incr(key, -7), -2)
    assert.equal(await open().incr(key, 0), -2)
    assert.deepEqual(await open().get(key), text('-2'))
  })

  it('adds to a number that was set as text, and leaves its time to live', async () => {
    const key = fresh()
    await open().set(key, text('41'), minuteMs)
    assert.equal(await open().incr(key, 1), 42)
    within(await open().ttl(key), minuteMs)
  })

  it('loses none of many at once', async () => {
    const key = fresh()
    const sums = await Promise.all(Array.from({ length: 50 }, () => open().incr(key, 1)))
    assert.deepEqual(
      sums.sort((a, b) => a - b),
      Array.from({ length: 50 }, (_, at) => at + 1),
    )
  })

  for (const value of ['many', '', '1.5', ' 1', '01', '+1', '"1"', '9223372036854775807'])
    it(`refuses to add to ${JSON.stringify(value)}, which stays`, async () => {
      const key = fresh()
      await open().set(key, text(value), undefined)
      await failsWith('refused', open().incr(key, 1))
      assert.deepEqual(await open().get(key), text(value))
    })
}

function batches({ open, it }: Suite): void {
  it('gives one result a command, each as the command gives it alone, in order', async () => {
    const [key, number] = [fresh(), fresh()]
    const commands: Command[] = [
      { name: 'get', key },
      { name: 'set', key, value: text('1'), ttlMs: undefined },
      { name: 'get', key },
      { name: 'ttl', key },
      { name: 'ttl', key: number },
      { name: 'expire', key: number, ttlMs: minuteMs },
      { name: 'incr', key: number, by: 3 },
      { name: 'expire', key: number, ttlMs: minuteMs },
      { name: 'exists', keys: [key, number] },
      { name: 'delete', keys: [key, key] },
    ]
    const expected = [undefined, undefined, text('1'), Infinity, undefined, false, 3, true, 2, 1]
    assert.deepEqual(await open().batch(commands), expected)
  })

  it('puts an error in its place, and goes on', async () => {
    const key = fresh()
    const [, failed, after] = await open().batch([
      { name: 'set', key, value: text('word'), ttlMs: minuteMs },
      { name: 'incr', key, by: 1 },
      { name: 'get', key },
    ])
    await failsWith('refused', Promise.reject(failed))
    assert.deepEqual(after, text('word'))
  })

  it('has nothing to do for no commands', async () => {
    assert.deepEqual(await open().batch([]), [])
  })
}
