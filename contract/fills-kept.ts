import assert from 'node:assert/strict'
import type { NewVariant } from '../lib/ports/entries.ts'
import type { FillPlace, SeenPlace } from '../lib/ports/fills.ts'
import { eventually } from './expectations.ts'
import { claim, finish, lead, minuteMs, place } from './filling.ts'
import type { Opened, Suite } from './suite.ts'

/** Claims that come after a look, on every provider. */
export function fillsKeptContract(suite: Suite): void {
  const { describe } = suite
  describe('claiming a fill after a look', () => {
    told(suite)
    led(suite)
    varied(suite)
    ranked(suite)
  })
}

const nothing: SeenPlace = { vary: [], variant: '', head: undefined }
const one: SeenPlace = { ...nothing, head: Buffer.from('one') }
const html: SeenPlace = { vary: ['accept'], variant: 'html', head: undefined }

/** Keeps an entry under a variant, whose head is this text. */
function keep(
  open: Opened,
  { key }: FillPlace,
  head: string,
  rest: Partial<NewVariant> = {},
): Promise<boolean> {
  const entry = { head: Buffer.from(head), body: Buffer.from('body') }
  const variant = { vary: [], variant: '', entry, ttlMs: minuteMs, maxVariants: 8, ...rest }
  return open().entries.keep(key, variant)
}

/** What a claim finds by somebody who has seen that; who leads lets go. */
async function found(open: Opened, at: FillPlace, saw: SeenPlace): Promise<string> {
  const own = claim({ seen: saw })
  const { kind } = await open().fills.claim(at, own)
  if (kind === 'leading') await finish(open, at, own.token, 'failed')
  return kind
}

function told({ open, it }: Suite): void {
  it('is told that an answer was kept since, and takes nothing', async () => {
    const at = place()
    const token = await lead(open, at)
    await keep(open, at, 'one', { fill: { variant: '', token } })
    await finish(open, at, token)
    assert.equal(await found(open, at, nothing), 'kept')
    assert.equal(await found(open, at, nothing), 'kept')
    await lead(open, at)
  })

  it('is told so of what nobody had claimed', async () => {
    const at = place()
    await keep(open, at, 'one')
    assert.equal(await found(open, at, nothing), 'kept')
  })

  it('is told of another answer in the place of the one it saw', async () => {
    const at = place()
    await keep(open, at, 'one')
    await keep(open, at, 'two')
    assert.equal(await found(open, at, one), 'kept')
  })

  it('is told of a head that was written anew', async () => {
    const at = place()
    await keep(open, at, 'one')
    await open().entries.amend(at.key, '', Buffer.from('one, freshened'), minuteMs)
    assert.equal(await found(open, at, one), 'kept')
  })

  it('is told by the clock of purges, and tells nobody', async () => {
    const at = place()
    const before = await open().entries.clock()
    const token = await lead(open, at)
    await keep(open, at, 'one', { fill: { variant: '', token } })
    const { kind, since } = await open().fills.claim(at, claim({ seen: nothing }))
    assert.ok(kind === 'kept' && since >= before, `${kind}, ${since}`)
    assert.equal(await open().fills.renew(at, token, minuteMs), 'held')
  })
}

function led({ open, it }: Suite): void {
  it('leads where there is nothing, as it saw', async () => {
    assert.equal(await found(open, place(), nothing), 'leading')
    assert.equal(await found(open, place(), html), 'leading')
  })

  it('leads where what it saw still stands there', async () => {
    const at = place()
    await keep(open, at, 'one')
    assert.equal(await found(open, at, one), 'leading')
    await keep(open, at, 'one', html)
    assert.equal(await found(open, at, { ...html, head: one.head }), 'leading')
  })

  it('leads where what it saw is gone', async () => {
    const at = place()
    await keep(open, at, 'one')
    await open().entries.drop(at.key)
    assert.equal(await found(open, at, one), 'leading')
    await keep(open, at, 'one', html)
    await open().entries.drop(at.key)
    assert.equal(await found(open, at, { ...html, head: one.head }), 'leading')
  })

  it('leads where what was kept since is over', async () => {
    const at = place()
    await keep(open, at, 'one', { ttlMs: 40 })
    await eventually(async () => (await found(open, at, nothing)) === 'leading')
  })

  it('leads without a look, whatever stands there', async () => {
    const at = place()
    await keep(open, at, 'one')
    await lead(open, at)
  })
}

function varied({ open, it }: Suite): void {
  it('is told of its own variant, and of no other', async () => {
    const at = place('html')
    await keep(open, at, 'text', { ...html, variant: 'text' })
    assert.equal(await found(open, at, html), 'leading')
    await keep(open, at, 'one', html)
    assert.equal(await found(open, at, html), 'kept')
    assert.equal(await found(open, at, { ...html, head: one.head }), 'leading')
  })

  it('is told that the resource varies by now, or by more, or no more', async () => {
    const at = place()
    await keep(open, at, 'one', html)
    assert.equal(await found(open, at, nothing), 'kept')
    await keep(open, at, 'one', { vary: ['accept', 'accept-language'], variant: 'html-en' })
    assert.equal(await found(open, at, html), 'kept')
    await keep(open, at, 'one')
    assert.equal(await found(open, at, html), 'kept')
  })
}

function ranked({ open, it }: Suite): void {
  it('is told so also where another makes the next, or the last could not be shared', async () => {
    const at = place()
    const token = await lead(open, at)
    await keep(open, at, 'one')
    assert.equal(await found(open, at, nothing), 'kept')
    assert.equal(await found(open, at, one), 'held')
    await finish(open, at, token, 'refused')
    assert.equal(await found(open, at, nothing), 'kept')
    assert.equal(await found(open, at, one), 'alone')
  })

  it('leads all the same where it comes again with its token', async () => {
    const at = place()
    const own = claim({ seen: nothing })
    const first = await open().fills.claim(at, own)
    assert.equal(first.kind, 'leading')
    await keep(open, at, 'one', { fill: { variant: '', token: own.token } })
    assert.deepEqual(await open().fills.claim(at, own), first)
  })
}
