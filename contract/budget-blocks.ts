import assert from 'node:assert/strict'
import type { Blocking, Charge } from '../lib/ports/budgets.ts'
import { chargeOf, look, take, told } from './charging.ts'
import { minuteMs } from './conversation.ts'
import { pause, within } from './expectations.ts'
import { fresh } from './names.ts'
import type { Suite } from './suite.ts'

/** What blocks of a budget must do, on every provider. */
export function budgetBlocksContract(suite: Suite): void {
  suite.describe('a budget that may be blocked', () => {
    counting(suite)
    lasting(suite)
    byHand(suite)
  })
}

/** A budget and its blocks; braces put both on one slot of a Cluster. */
function blockable(given: Partial<Blocking> = {}): { key: string; block: Blocking } {
  const name = `{${fresh()}}`
  return { key: `${name}:budget`, block: { key: `${name}:block`, ...given } }
}

/** Has no room, and never will. */
const hopeless: Partial<Charge> = { limit: 1, cost: 2 }

function counting({ open, it }: Suite): void {
  it('is blocked by so many refusals, and tells for how long', async () => {
    const { key, block } = blockable({ after: 3, forMs: minuteMs })
    for (let times = 0; times < 2; times += 1) {
      const { allowed, blockedMs } = await take(open, key, { ...hopeless, block })
      assert.deepEqual([allowed, blockedMs], [false, 0])
    }
    within((await take(open, key, { ...hopeless, block })).blockedMs, minuteMs)
    within(await open().ttl(block.key), minuteMs)
    const blocked = await take(open, key, { block })
    assert.deepEqual(told([blocked]), [[false, 0]])
    within(blocked.blockedMs, minuteMs)
    assert.ok(blocked.retryMs >= blocked.blockedMs && blocked.mark === 0)
  })

  it('counts refusals of one window together, and of no longer', async () => {
    const { key, block } = blockable({ after: 2, forMs: minuteMs })
    const rule = { ...hopeless, block, windowMs: 100 }
    for (let times = 0; times < 2; times += 1) {
      assert.equal((await take(open, key, rule)).blockedMs, 0)
      await pause(105)
    }
    assert.equal(await open().exists([block.key]), 0)
  })

  it('counts no refusal that another budget was the reason of, and no peek', async () => {
    const { key, block } = blockable({ after: 1, forMs: minuteMs })
    const other = chargeOf(`${key}:other`, hopeless)
    assert.deepEqual(told(await open().budgets.charge([chargeOf(key, { block }), other])), [
      [true, 0],
      [false, 0],
    ])
    assert.equal((await look(open, key, { ...hopeless, block })).allowed, false)
    assert.equal(await open().exists([block.key]), 0)
    assert.deepEqual(told([await take(open, key, { block })]), [[true, 1]])
  })

  it('is never blocked by refusals where none are to count', async () => {
    const { key, block } = blockable()
    for (let times = 0; times < 5; times += 1) await take(open, key, { ...hopeless, block })
    assert.equal(await open().exists([block.key]), 0)
  })
}

function lasting({ open, it }: Suite): void {
  it('is open again after a block, which counted no refusals', async () => {
    const { key, block } = blockable({ after: 2, forMs: 250 })
    const rule = { ...hopeless, block }
    for (let times = 0; times < 4; times += 1) await take(open, key, rule)
    const { blockedMs } = await take(open, key, rule)
    within(blockedMs, 250)
    await pause(blockedMs + 5)
    assert.deepEqual(told([await take(open, key, { block })]), [[true, 1]])
    assert.equal((await take(open, key, rule)).blockedMs, 0)
    within((await take(open, key, rule)).blockedMs, 250)
  })

  it('is blocked for twice as long each time, while the last block is remembered', async () => {
    const { key, block } = blockable({ after: 1, forMs: 150, doubles: true })
    const blockedMs = async () => (await take(open, key, { ...hopeless, block })).blockedMs
    assert.equal(await blockedMs(), 150)
    await pause(155)
    assert.equal(await blockedMs(), 300)
    // Over, and over for as long again.
    await pause(605)
    assert.equal(await blockedMs(), 150)
  })

  it('is blocked for as long each time where blocks do not double', async () => {
    const { key, block } = blockable({ after: 1, forMs: 60 })
    for (let times = 0; times < 2; times += 1) {
      assert.equal((await take(open, key, { ...hopeless, block })).blockedMs, 60)
      await pause(65)
    }
  })
}

function byHand({ open, it }: Suite): void {
  it('is blocked when told so, and keeps what was used', async () => {
    const { key, block } = blockable()
    await take(open, key, { block, cost: 4 })
    await open().budgets.block([block.key], minuteMs)
    for (const blocked of [await look(open, key, { block }), await take(open, key, { block })]) {
      assert.deepEqual(told([blocked]), [[false, 4]])
      within(blocked.blockedMs, minuteMs)
      within(blocked.retryMs, minuteMs)
    }
    within(await open().ttl(block.key), minuteMs)
  })

  it('is blocked for as long as it was told last', async () => {
    const { key, block } = blockable()
    for (const forMs of [minuteMs, 5 * minuteMs, 80]) await open().budgets.block([block.key], forMs)
    within((await take(open, key, { block })).blockedMs, 80)
    await pause(85)
    assert.deepEqual(told([await take(open, key, { block })]), [[true, 1]])
  })

  it('is open again when its block is cleared', async () => {
    const { key, block } = blockable({ after: 1, forMs: minuteMs })
    await take(open, key, { ...hopeless, block })
    await open().budgets.clear([block.key])
    assert.deepEqual(told([await take(open, key, { block })]), [[true, 1]])
  })

  it('stops the others when it is blocked, but not from the shadow', async () => {
    const { key, block } = blockable()
    await open().budgets.block([block.key], minuteMs)
    const blocked = chargeOf(key, { block })
    const other = chargeOf(`${key}:other`)
    assert.deepEqual(told(await open().budgets.charge([blocked, other])), [
      [false, 0],
      [true, 0],
    ])
    const shadowed = await open().budgets.charge([{ ...blocked, shadow: true }, other])
    assert.deepEqual(told(shadowed), [
      [false, 0],
      [true, 1],
    ])
  })
}
