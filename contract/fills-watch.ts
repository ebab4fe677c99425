import assert from 'node:assert/strict'
import { eventually, pause } from './expectations.ts'
import { ear, finish, follow, lead, minuteMs, pieces, place, seen } from './filling.ts'
import type { Suite } from './suite.ts'

/** How others follow an answer as it grows, on every provider. */
export function fillsWatchContract(suite: Suite): void {
  const { describe } = suite
  describe('the pieces of a fill', () => {
    looking(suite)
    bounded(suite)
  })
  describe('watching a fill', () => {
    watching(suite)
    missing(suite)
  })
}

function looking({ open, it }: Suite): void {
  it('are none of what never was', async () => {
    const at = place()
    assert.deepEqual(await open().fills.look(at, 'none', 0), { state: 'gone', batches: [] })
    assert.deepEqual(await open().keys(`${at.key}*`), [])
  })

  it('are kept in order, and read from behind a number', async () => {
    const at = place()
    const token = await lead(open, at)
    for (const last of [2, 3, 11]) await open().fills.write(at, token, pieces(last), minuteMs)
    assert.deepEqual(await seen(open, at, token), [
      'running',
      '2 up to 2',
      '3 up to 3',
      '11 up to 11',
    ])
    assert.deepEqual(await seen(open, at, token, 2), ['running', '3 up to 3', '11 up to 11'])
    assert.deepEqual(await seen(open, at, token, 11), ['running'])
    await finish(open, at, token)
    assert.deepEqual(await seen(open, at, token, 3), ['kept', '11 up to 11'])
    assert.deepEqual(await seen(open, at, token, 11), ['kept'])
  })

  it('are kept once, also when they are sent twice', async () => {
    const at = place()
    const token = await lead(open, at)
    for (const last of [1, 1, 2, 1])
      assert.equal(await open().fills.write(at, token, pieces(last), minuteMs), true)
    assert.deepEqual(await seen(open, at, token), ['running', '1 up to 1', '2 up to 2'])
  })

  it('are bytes, and a copy of them', async () => {
    const at = place()
    const token = await lead(open, at)
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const given = Buffer.from(bytes)
    await open().fills.write(at, token, { last: 1, bytes: given }, minuteMs)
    given.fill(0)
    for (const _ of [1, 2]) {
      const { batches } = await open().fills.look(at, token, 0)
      assert.deepEqual(batches, [{ last: 1, bytes }])
      batches[0]?.bytes.fill(0)
    }
  })

  it('are those of one fill: the next begins anew', async () => {
    const at = place()
    const token = await lead(open, at)
    await open().fills.write(at, token, pieces(5, 'old'), minuteMs)
    await finish(open, at, token, 'failed')
    const next = await lead(open, at)
    await open().fills.write(at, next, pieces(1, 'new'), minuteMs)
    assert.deepEqual(await seen(open, at, next), ['running', '1 new'])
    assert.deepEqual(await seen(open, at, token), ['failed', '5 old'])
  })
}

function bounded({ open, it }: Suite): void {
  it('are bounded: of a large answer the oldest go', async () => {
    const at = place()
    const token = await lead(open, at)
    const large = Buffer.alloc(1024 * 1024, 'x')
    for (let last = 1; last <= 6; last += 1)
      assert.equal(await open().fills.write(at, token, { last, bytes: large }, minuteMs), true)
    const { batches } = await open().fills.look(at, token, 0)
    const bytes = batches.reduce((sum, each) => sum + each.bytes.byteLength, 0)
    assert.ok(bytes > 0 && bytes <= 4 * 1024 * 1024, `${bytes} bytes are kept`)
    assert.equal(batches.at(-1)?.last, 6)
    assert.equal(batches.length, 1 + 6 - (batches[0]?.last ?? 0))
  })
}

function watching({ open, it }: Suite): void {
  it('hears each batch and the end, in order', async () => {
    const at = place()
    const token = await lead(open, at)
    const listener = ear()
    const leave = await open().fills.watch(at, token, listener)
    await follow(open, at)
    for (const last of [1, 2, 12])
      await open().fills.write(at, token, pieces(last, `|${last}\n`), minuteMs)
    await finish(open, at, token)
    await eventually(async () => listener.heard.includes('kept'))
    assert.deepEqual(listener.heard, ['1 |1\n', '2 |2\n', '12 |12\n', 'kept'])
    await leave()
  })

  for (const how of ['refused', 'failed'] as const)
    it(`hears how it has ended: ${how}`, async () => {
      const at = place()
      const token = await lead(open, at)
      const listener = ear()
      const leave = await open().fills.watch(at, token, listener)
      await follow(open, at)
      await finish(open, at, token, how)
      await eventually(async () => listener.heard.length > 0)
      assert.deepEqual(listener.heard, [how])
      await leave()
    })

  it('hears what is sent twice once, and nothing of another token', async () => {
    const at = place()
    const token = await lead(open, at)
    const listener = ear()
    const leave = await open().fills.watch(at, token, listener)
    await follow(open, at)
    for (const last of [1, 1, 2]) await open().fills.write(at, token, pieces(last), minuteMs)
    await open().fills.write(at, 'another', pieces(3), minuteMs)
    await finish(open, at, 'another', 'failed')
    for (const _ of [1, 2]) await finish(open, at, token)
    await eventually(async () => listener.heard.includes('kept'))
    await pause(20)
    assert.deepEqual(listener.heard, ['1 up to 1', '2 up to 2', 'kept'])
    await leave()
  })

  it('hears bytes', async () => {
    const at = place()
    const token = await lead(open, at)
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const got: Buffer[] = []
    const batch = (heard: { readonly bytes: Buffer }) => void got.push(heard.bytes)
    const leave = await open().fills.watch(at, token, { batch, ended() {} })
    await open().fills.write(at, token, { last: 1, bytes }, minuteMs)
    await eventually(async () => got.length > 0)
    assert.deepEqual(got, [bytes])
    await leave()
  })
}

function missing({ open, it }: Suite): void {
  it('misses nothing when it watches first and then looks', async () => {
    const at = place()
    const token = await lead(open, at)
    await follow(open, at)
    const all = Array.from({ length: 60 }, (_, number) => `${number + 1} up to ${number + 1}`)
    const writing = (async () => {
      for (let last = 1; last <= all.length; last += 1)
        await open().fills.write(at, token, pieces(last), minuteMs)
      await finish(open, at, token)
    })()
    const listener = ear()
    const leave = await open().fills.watch(at, token, listener)
    const known = await seen(open, at, token)
    await writing
    await eventually(async () => [...known, ...listener.heard].includes('kept'))
    const missed = new Set(all)
    for (const each of [...known, ...listener.heard]) missed.delete(each)
    assert.deepEqual([...missed], [])
    await leave()
  })

  it('hears of no other fill, and nothing after it has left', async () => {
    const [at, other] = [place(), place()]
    const [token, another] = [await lead(open, at), await lead(open, other)]
    const [left, stays] = [ear(), ear()]
    const leave = await open().fills.watch(at, token, left)
    const leaves = [
      await open().fills.watch(at, token, stays),
      await open().fills.watch(at, another, left),
    ]
    await leave()
    await leave()
    await open().fills.write(other, another, pieces(1), minuteMs)
    await open().fills.write(at, token, pieces(2), minuteMs)
    await eventually(async () => stays.heard.length > 0)
    await pause(20)
    assert.deepEqual([stays.heard, left.heard], [['2 up to 2'], []])
    for (const each of leaves) await each()
  })
}
