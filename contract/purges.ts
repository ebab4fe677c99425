import assert from 'node:assert/strict'
import type { NewVariant, Purge } from '../lib/ports/entries.ts'
import { eventually, pause, within } from './expectations.ts'
import { claim, finish, lead, minuteMs, place } from './filling.ts'
import { fresh } from './names.ts'
import type { Suite } from './suite.ts'

const never: Purge = { hard: 0, soft: 0 }

function page({ variant = '', ...rest }: Partial<NewVariant> = {}): NewVariant {
  return {
    vary: variant === '' ? [] : ['accept'],
    variant,
    entry: { head: Buffer.from('head'), body: Buffer.from('body') },
    ttlMs: minuteMs,
    maxVariants: 8,
    ...rest,
  }
}

/** Purges by mark, changes of heads, and entries of a fill, on every provider. */
export function purgesContract(suite: Suite): void {
  const { describe } = suite
  describe('purges of marks', () => {
    purging(suite)
    clocks(suite)
  })
  describe('amending a cached response', () => amending(suite))
  describe('keeping the answer of a fill', () => keeping(suite))
}

function purging({ open, it }: Suite): void {
  const purgesOf = (...marks: string[]) => open().entries.purges(marks)

  it('are none at first', async () => {
    const key = place().key
    assert.deepEqual(await purgesOf(), [])
    assert.deepEqual(await purgesOf(fresh('mark'), fresh('mark')), [never, never])
    assert.deepEqual((await open().entries.find(key, '', [fresh('mark')])).purges, [never])
  })

  it('are told in the order of the marks, with an entry and by themselves', async () => {
    const [first, second, third] = [fresh('mark'), fresh('mark'), fresh('mark')]
    await open().entries.purge([third], false)
    await open().entries.purge([first], true)
    const [soft, none, hard, ...rest] = await purgesOf(first, second, third)
    assert.ok(soft && hard && soft.soft > 0 && hard.hard > 0, 'both are told')
    assert.deepEqual([soft.hard, none, hard.soft, rest], [0, never, 0, []])
    for (const variant of ['', 'html']) {
      const key = place().key
      await open().entries.keep(key, page({ variant }))
      const { entry, purges } = await open().entries.find(key, variant, [third, first, second])
      assert.deepEqual([entry?.body.toString(), purges], ['body', [hard, soft, never]])
    }
  })

  it('purge several marks, and no others', async () => {
    const [one, two, other] = [fresh('mark'), fresh('mark'), fresh('mark')]
    await open().entries.purge([], false)
    await open().entries.purge([one, two], false)
    const [first, second, third] = await purgesOf(one, two, other)
    assert.ok(first && second && first.hard > 0 && second.hard > 0, 'both are purged')
    assert.deepEqual(third, never)
  })

  it('leave an earlier purge of the other kind as it is', async () => {
    const mark = fresh('mark')
    await open().entries.purge([mark], false)
    const [hard] = await purgesOf(mark)
    await open().entries.purge([mark], true)
    const [soft] = await purgesOf(mark)
    assert.ok(hard && soft && soft.soft > hard.hard, 'the second is later')
    assert.equal(soft.hard, hard.hard)
    await open().entries.purge([mark], false)
    const [both] = await purgesOf(mark)
    assert.ok(both && both.hard > soft.soft, 'the third is later')
    assert.equal(both.soft, soft.soft)
  })

  it('touch no entry', async () => {
    const key = place().key
    const mark = fresh('mark')
    await open().entries.keep(key, page())
    await open().entries.purge([mark], false)
    assert.ok((await open().entries.find(key, '', [mark])).entry)
  })
}

function clocks({ open, it }: Suite): void {
  it('hit all that began before them', async () => {
    const mark = fresh('mark')
    for (let time = 0; time < 20; time += 1) {
      const began = await open().entries.clock()
      await open().entries.purge([mark], time % 2 === 1)
      const [purge] = await open().entries.purges([mark])
      assert.ok(purge && (time % 2 === 1 ? purge.soft : purge.hard) >= began, `purge ${time}`)
    }
  })

  it('hit nothing that begins a moment later', async () => {
    const mark = fresh('mark')
    await open().entries.purge([mark], false)
    const [purge] = await open().entries.purges([mark])
    // A store of several servers tells its clock half a second early.
    for (let look = 0; look < 60; look += 1) {
      if ((await open().entries.clock()) > (purge?.hard ?? 0)) return
      await pause(20)
    }
    assert.fail('what begins a second later counts as purged')
  })

  it('are told in microseconds', async () => {
    const before = await open().entries.clock()
    assert.ok(Number.isSafeInteger(before), `${before} is no whole number`)
    assert.ok(Math.abs(before / 1000 - Date.now()) < 3_600_000, `${before} is not of today`)
    await pause(20)
    const passed = (await open().entries.clock()) - before
    assert.ok(passed > 10_000, `${passed} in 20 ms`)
  })
}

function amending({ open, it }: Suite): void {
  const amend = (key: string, variant = '', ttlMs = minuteMs) =>
    open().entries.amend(key, variant, Buffer.from([255, 0]), ttlMs)

  it('changes nothing where nothing is', async () => {
    const key = place().key
    assert.equal(await amend(key), false)
    await open().entries.keep(key, page({ variant: 'html' }))
    assert.equal(await amend(key, 'json'), false)
    assert.equal(await amend(key), false)
    assert.equal((await open().entries.find(key, 'json', [])).entry, undefined)
    assert.equal((await open().entries.find(key, '', [])).entry, undefined)
  })

  for (const variant of ['', 'html'])
    it(`replaces the head alone, of ${variant === '' ? 'what does not vary' : 'one variant'}`, async () => {
      const key = place().key
      const kept = page({ variant })
      await open().entries.keep(key, kept)
      if (variant !== '') await open().entries.keep(key, page({ variant: 'json' }))
      assert.equal(await amend(key, variant), true)
      const { vary, entry } = await open().entries.find(key, variant, [])
      assert.deepEqual(vary, kept.vary)
      assert.deepEqual(entry, { head: Buffer.from([255, 0]), body: Buffer.from('body') })
      if (variant === '') return
      assert.equal((await open().entries.find(key, 'json', [])).entry?.head.toString(), 'head')
    })

  for (const variant of ['', 'html'])
    it(`lets ${variant === '' ? 'what does not vary' : 'a variant'} live on, or end earlier`, async () => {
      const key = place().key
      await open().entries.keep(key, page({ variant, ttlMs: minuteMs / 2 }))
      assert.equal(await amend(key, variant, 5 * minuteMs), true)
      within(((await open().ttl(key)) ?? 0) - minuteMs, 4 * minuteMs)
      assert.equal(await amend(key, variant, 30), true)
      await eventually(async () => !(await open().entries.find(key, variant, [])).entry)
      await eventually(async () => (await open().exists([key])) === 0)
      assert.equal(await amend(key, variant), false)
    })

  it('renews the place of a variant among the others', async () => {
    const key = place().key
    for (const variant of ['one', 'two'])
      await open().entries.keep(key, page({ variant, maxVariants: 2 }))
    await amend(key, 'one', 5 * minuteMs)
    await open().entries.keep(key, page({ variant: 'three', maxVariants: 2 }))
    const there = async (variant: string) =>
      (await open().entries.find(key, variant, [])).entry !== undefined
    assert.deepEqual([await there('one'), await there('two')], [true, false])
  })
}

function keeping({ open, it }: Suite): void {
  const isKept = async (key: string) => (await open().entries.find(key, '', [])).entry !== undefined

  it('keeps it while the fill is its own, and where nobody has it', async () => {
    const at = place()
    const token = await lead(open, at)
    assert.equal(await open().entries.keep(at.key, page({ fill: { variant: '', token } })), true)
    await finish(open, at, token)
    assert.equal(await open().entries.keep(at.key, page({ fill: { variant: '', token } })), true)
    assert.equal(await isKept(at.key), true)
  })

  it("keeps nothing where the fill is somebody else's by now", async () => {
    const at = place('guess')
    const token = await lead(open, at, { leaseMs: 30 })
    const other = claim()
    await eventually(async () => (await open().fills.claim(at, other)).kind === 'leading')
    const late = page({ fill: { variant: 'guess', token } })
    assert.equal(await open().entries.keep(at.key, late), false)
    assert.equal(await isKept(at.key), false)
    const own = page({ fill: { variant: 'guess', token: other.token } })
    assert.equal(await open().entries.keep(at.key, own), true)
    assert.equal(await open().entries.keep(at.key, page()), true)
  })
}
