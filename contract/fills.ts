import assert from 'node:assert/strict'
import { eventually, pause } from './expectations.ts'
import { claim, finish, follow, lead, minuteMs, pieces, place, seen } from './filling.ts'
import { fresh } from './names.ts'
import type { Suite } from './suite.ts'

/** Who makes an answer, and who waits for it, on every provider. */
export function fillsContract(suite: Suite): void {
  const { describe } = suite
  describe('claiming a fill', () => {
    claiming(suite)
    lapsing(suite)
  })
  describe('a fill that others wait for', () => waiting(suite))
  describe('the end of a fill', () => {
    ending(suite)
    alone(suite)
  })
}

function claiming({ open, it }: Suite): void {
  it('gives it to one of fifty', async () => {
    const at = place()
    const claims = Array.from({ length: 50 }, () => claim())
    const found = await Promise.all(claims.map((each) => open().fills.claim(at, each)))
    const leaders = claims.filter((_, number) => found[number]?.kind === 'leading')
    assert.equal(leaders.length, 1)
    const held = found.flatMap((each) => (each.kind === 'held' ? [each] : []))
    assert.equal(held.length, 49)
    const since = found.find(({ kind }) => kind === 'leading')?.since
    for (const each of held) assert.deepEqual([each.token, each.since], [leaders[0]?.token, since])
  })

  it('is the same fill when it comes again with its token', async () => {
    const at = place()
    const own = claim()
    const first = await open().fills.claim(at, own)
    assert.equal(first.kind, 'leading')
    assert.deepEqual(await open().fills.claim(at, own), first)
    assert.equal(await open().fills.renew(at, own.token, minuteMs), 'held')
  })

  it('keeps resources and variants apart', async () => {
    const at = place()
    const others = [{ ...at, variant: 'de' }, { ...at, variant: 'fr' }, place()]
    const tokens = [await lead(open, at)]
    for (const other of others) tokens.push(await lead(open, other))
    for (const [number, each] of [at, ...others].entries())
      assert.equal(await open().fills.renew(each, tokens[number] ?? '', minuteMs), 'held')
  })

  it('tells when the making began, by the clock of purges', async () => {
    const mark = fresh('mark')
    const before = await open().entries.clock()
    const { since } = await open().fills.claim(place(), claim())
    assert.ok(Number.isSafeInteger(since) && since >= before, `${since} is not after ${before}`)
    await open().entries.purge([mark], false)
    const [purge] = await open().entries.purges([mark])
    assert.ok(purge && purge.hard >= since, 'a purge hits what is being made')
  })
}

function lapsing({ open, it }: Suite): void {
  it('gives a fill away whose lease has run out', async () => {
    const at = place()
    const token = await lead(open, at, { leaseMs: 40 })
    await follow(open, at)
    const other = claim()
    await eventually(async () => (await open().fills.claim(at, other)).kind === 'leading')
    assert.equal(await open().fills.renew(at, token, minuteMs), 'lost')
    assert.equal(await open().fills.write(at, token, pieces(1), minuteMs), false)
    await finish(open, at, token, 'refused')
    assert.equal(await open().fills.renew(at, other.token, minuteMs), 'held')
    assert.deepEqual(await seen(open, at, token), ['gone'])
    assert.deepEqual(await seen(open, at, other.token), ['running'])
  })

  it('keeps a fill that is renewed, by pieces as well', async () => {
    const [renewed, written, dead] = [place(), place(), place()]
    const short = { leaseMs: 300 }
    const [token, writer] = [await lead(open, renewed, short), await lead(open, written, short)]
    await open().fills.renew(renewed, token, minuteMs)
    await open().fills.write(written, writer, pieces(1), minuteMs)
    await lead(open, dead, short)
    await eventually(async () => (await open().fills.claim(dead, claim())).kind === 'leading')
    assert.equal(await open().fills.renew(renewed, token, minuteMs), 'held')
    assert.notEqual(await open().fills.renew(written, writer, minuteMs), 'lost')
    assert.deepEqual(await seen(open, written, writer), ['running', '1 up to 1'])
  })

  it('leaves no lease behind that never ends', async () => {
    const at = place()
    const token = await lead(open, at, { leaseMs: 40 })
    await open().fills.write(at, token, pieces(1), 40)
    await eventually(async () => (await seen(open, at, token)).join() === 'gone')
    assert.deepEqual(await open().keys(`${at.key}*`), [])
  })
}

function waiting({ open, it }: Suite): void {
  it('is told to whoever makes it, and to nobody else', async () => {
    const at = place()
    const [runner, another] = [fresh('cache:fills'), fresh('cache:fills')]
    const [heard, elsewhere]: string[][] = [[], []]
    const leaves = [
      await open().fills.onWatched(runner, (token) => heard?.push(token)),
      await open().fills.onWatched(another, (token) => elsewhere?.push(token)),
    ]
    const token = await lead(open, at, { runner })
    await follow(open, at)
    await eventually(async () => heard?.length === 1)
    await pause(20)
    assert.deepEqual([heard, elsewhere], [[token], []])
    for (const leave of leaves) await leave()
    await lead(open, { ...at, variant: 'other' }, { runner })
    await follow(open, { ...at, variant: 'other' })
    await pause(20)
    assert.equal(heard?.length, 1)
  })

  it('is told at the next renewal as well, should the message be lost', async () => {
    const at = place()
    const token = await lead(open, at)
    assert.equal(await open().fills.renew(at, token, minuteMs), 'held')
    await follow(open, at)
    for (const _ of [1, 2]) assert.equal(await open().fills.renew(at, token, minuteMs), 'watched')
  })

  it('is not waited for by whoever makes it', async () => {
    const at = place()
    const own = claim()
    for (const _ of [1, 2]) await open().fills.claim(at, own)
    assert.equal(await open().fills.renew(at, own.token, minuteMs), 'held')
  })

  it('is for its own token alone', async () => {
    const at = place()
    const token = await lead(open, at)
    const other = fresh('token')
    assert.equal(await open().fills.renew(at, other, minuteMs), 'lost')
    assert.equal(await open().fills.write(at, other, pieces(1), minuteMs), false)
    await finish(open, at, other)
    assert.deepEqual(await seen(open, at, other), ['gone'])
    assert.deepEqual(await seen(open, at, token), ['running'])
    assert.equal(await open().fills.renew(at, token, minuteMs), 'held')
  })
}

function ending({ open, it }: Suite): void {
  for (const how of ['kept', 'refused', 'failed'] as const)
    it(`is known to those who wait: ${how}`, async () => {
      const at = place()
      const token = await lead(open, at)
      await follow(open, at)
      await open().fills.write(at, token, pieces(1), minuteMs)
      await finish(open, at, token, how)
      assert.deepEqual(await seen(open, at, token), [how, '1 up to 1'])
      assert.equal(await open().fills.renew(at, token, minuteMs), 'lost')
      assert.equal(await open().fills.write(at, token, pieces(2), minuteMs), false)
      assert.deepEqual(await seen(open, at, token), [how, '1 up to 1'])
    })

  for (const how of ['kept', 'failed'] as const)
    it(`is followed at once by the next: ${how}`, async () => {
      const at = place()
      const token = await lead(open, at)
      await follow(open, at)
      await finish(open, at, token, how)
      const next = await lead(open, at)
      assert.deepEqual(await seen(open, at, token), [how])
      assert.deepEqual(await seen(open, at, next), ['running'])
      await finish(open, at, token, 'refused')
      assert.equal(await open().fills.renew(at, next, minuteMs), 'held')
    })

  it('is forgotten after a while', async () => {
    const at = place()
    const token = await lead(open, at)
    await follow(open, at)
    await open().fills.write(at, token, pieces(1), minuteMs)
    await finish(open, at, token, 'kept', { keepMs: 40 })
    await eventually(async () => (await seen(open, at, token)).join() === 'gone')
    assert.deepEqual(await open().keys(`${at.key}*`), [])
  })
}

function alone({ open, it }: Suite): void {
  it('lets nobody wait for a while where the answer could not be shared', async () => {
    const at = place()
    const before = await open().entries.clock()
    const token = await lead(open, at)
    await finish(open, at, token, 'refused', { aloneMs: 60 })
    for (const _ of [1, 2]) {
      const found = await open().fills.claim(at, claim())
      assert.ok(found.kind === 'alone' && found.since >= before, found.kind)
    }
    const other = claim()
    await eventually(async () => (await open().fills.claim(at, other)).kind === 'leading')
  })

  it('lets the next go ahead at once where that while is nothing', async () => {
    const at = place()
    await finish(open, at, await lead(open, at), 'refused', { aloneMs: 0 })
    await lead(open, at)
  })
}
