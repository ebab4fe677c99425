import assert from 'node:assert/strict'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, it } from 'mocha'
import { replay } from '../../lib/cache/replay.ts'

const never = new AbortController().signal
const body = Buffer.from('abcdefghij')

describe('a stored stream in its rhythm', () => {
  it('gives each piece no earlier than it came', async () => {
    const seen: [string, number][] = []
    const startedAt = performance.now()
    const pieces = [3, 0, 3, 60, 4, 120]
    for await (const chunk of replay(body, pieces, never))
      seen.push([String(chunk), performance.now() - startedAt])
    assert.deepEqual(
      seen.map(([chunk]) => chunk),
      ['abc', 'def', 'ghij'],
    )
    for (const [at, [, ms]] of seen.entries()) assert.ok(ms >= (pieces[at * 2 + 1] ?? 0), `${ms}`)
  })

  for (const [fact, pieces] of [
    ['nothing is known of them', []],
    ['they are less than the body', [2, 0, 3, 1]],
    ['they are more than the body', [8, 0, 8, 1, 8, 2]],
    ['one is empty', [5, 0, 0, 1, 5, 2]],
    ['a number is missing', [5, 0, 2]],
  ] as const)
    it(`gives the whole body where ${fact}`, async () => {
      assert.equal(await text(replay(body, pieces, never)), 'abcdefghij')
    })

  it('ends at once where there is no body', async () => {
    assert.equal(await text(replay(Buffer.alloc(0), [], never)), '')
  })

  it('does not pile up what is due while nobody reads', async () => {
    const large = Buffer.alloc(1_000_000, 'x')
    const pieces = Array.from({ length: 100 }, (_, at) => [10_000, at]).flat()
    const stream = replay(large, pieces, never)
    await once(stream, 'readable')
    await wait(150)
    const held = stream.readableLength
    assert.ok(held < stream.readableHighWaterMark + 10_000, `${held} bytes`)
    assert.equal((await text(stream)).length, 1_000_000)
  })

  it('stops with the signal, and keeps no timer', async () => {
    const { clearTimeout: clear } = globalThis
    const cleared: unknown[] = []
    globalThis.clearTimeout = (timer) => {
      if (timer) cleared.push(timer)
      clear(timer)
    }
    const stop = new AbortController()
    const stream = replay(body, [5, 0, 5, 10_000_000], stop.signal)
    stream.resume()
    await once(stream, 'data')
    stop.abort()
    await once(stream, 'close')
    globalThis.clearTimeout = clear
    assert.equal(cleared.length, 1)
    assert.equal(stream.errored, null)
    assert.equal(stream.destroyed, true)
  })

  it('does not begin where the signal is aborted already', async () => {
    const stream = replay(body, [10, 0], AbortSignal.abort())
    if (!stream.closed) await once(stream, 'close')
    assert.equal(stream.readableLength, 0)
  })

  it('waits also for what is further off than a timer can tell', async () => {
    const stream = replay(body, [5, 0, 5, 2 ** 31 * 4], never)
    const seen: string[] = []
    stream.on('data', (chunk) => seen.push(String(chunk)))
    await wait(30)
    assert.deepEqual(seen, ['abcde'])
    stream.destroy()
  })
})
