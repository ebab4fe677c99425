import assert from 'node:assert/strict'
import type { Appended } from '../lib/ports/history.ts'
import { bounds, everything, kept, message, messages, session } from './conversation.ts'
import type { Opened, Suite } from './suite.ts'

/** How much of a conversation is kept and read, on every provider. */
export function historyBoundsContract(suite: Suite): void {
  const { describe } = suite
  describe('trimming', () => {
    trimming(suite)
    whatTrimmingLeaves(suite)
  })
  describe('reading', () => reading(suite))
}

async function appending(open: Opened, roles: string, max: number, keep: number) {
  const keys = session()
  const done = await open().history.append(keys, messages(roles), bounds({ max, keep }))
  return { keys, trimmed: trimmedBy(done) }
}

function trimming({ open, it }: Suite): void {
  const appended = (roles: string, max: number, keep: number) => appending(open, roles, max, keep)

  it('keeps all up to the most that is kept', async () => {
    const { keys, trimmed } = await appended('uauaua', 6, 2)
    assert.deepEqual([await kept(open, keys), trimmed], [['uauaua', [1, 2, 3, 4, 5, 6]], 0])
  })

  it('cuts where a turn begins, never more is kept than asked for', async () => {
    const { keys, trimmed } = await appended('uauatauaua', 9, 7)
    assert.deepEqual([await kept(open, keys), trimmed], [['uaua', [7, 8, 9, 10]], 6])
  })

  it('cuts at the place itself when a turn begins there', async () => {
    const { keys } = await appended('uauaua', 5, 4)
    assert.deepEqual(await kept(open, keys), ['uaua', [3, 4, 5, 6]])
  })

  it('keeps a newest turn whole that is too long, up to twice the most that is kept', async () => {
    const { keys, trimmed } = await appended('uauatttatta', 8, 6)
    assert.deepEqual(
      [await kept(open, keys), trimmed],
      [['uatttatta', [3, 4, 5, 6, 7, 8, 9, 10, 11]], 2],
    )
    const long = await appended('uaaa', 2, 2)
    assert.deepEqual([await kept(open, long.keys), long.trimmed], [['uaaa', [1, 2, 3, 4]], 0])
  })

  it('keeps the question of a turn that is longer still, and an end without half a tool call', async () => {
    const { keys, trimmed } = await appended('uauatttattatta', 5, 5)
    assert.deepEqual([await kept(open, keys), trimmed], [['uatta', [10, 11, 12, 13, 14]], 9])
  })

  it('keeps results of a tool rather than nothing where there is nothing else', async () => {
    const { keys, trimmed } = await appended('atttt', 2, 2)
    assert.deepEqual([await kept(open, keys), trimmed], [['tt', [4, 5]], 3])
  })

  it('cuts a session in which no user has spoken where no tool call is halved', async () => {
    const { keys } = await appended('aattaaatta', 5, 4)
    assert.deepEqual(await kept(open, keys), ['atta', [7, 8, 9, 10]])
  })
}

function whatTrimmingLeaves({ open, it }: Suite): void {
  const appended = (roles: string, max: number, keep: number) => appending(open, roles, max, keep)

  it('goes on counting positions, tokens and length', async () => {
    const keys = session()
    for (let turn = 0; turn < 20; turn += 1) {
      const done = await open().history.append(
        keys,
        messages('ua', turn * 2 + 1),
        bounds({ max: 8, keep: 6 }),
      )
      assert.equal(done.kind === 'appended' && done.seq, turn * 2 + 2)
    }
    const { meta, entries } = await open().history.read(keys, everything)
    assert.equal(entries.at(-1)?.seq, 40)
    assert.deepEqual([meta?.seq, meta?.rev], [40, 20])
    assert.equal(meta?.length, entries.length)
    assert.equal(meta?.tokens, entries.length * 10)
    assert.ok(entries.length >= 6 && entries.length <= 8, `${entries.length} are kept`)
  })

  it('trims nothing where nothing is added', async () => {
    const { keys } = await appended('uauaua', 200, 150)
    const before = await open().history.read(keys, everything)
    const done = await open().history.append(keys, messages('ua'), bounds({ max: 4, keep: 2 }))
    assert.deepEqual([trimmedBy(done), await open().history.read(keys, everything)], [0, before])
    await open().history.append(keys, messages('u', 7), bounds())
    assert.deepEqual((await kept(open, keys))[0], 'uauauau')
  })

  it('takes the id of a message that was cut as a new one', async () => {
    const { keys } = await appended('uauaua', 5, 4)
    const done = await open().history.append(keys, messages('u', 1), bounds())
    assert.equal(done.kind === 'appended' && done.added, 1)
    assert.deepEqual(await kept(open, keys), ['uauau', [3, 4, 5, 6, 7]])
  })

  it('keeps the newest system message beside the list', async () => {
    const { keys } = await appended('sduauaua', 5, 4)
    const { meta, entries } = await open().history.read(keys, everything)
    assert.deepEqual(entries.map(({ role }) => role).join(''), 'uaua')
    assert.deepEqual(meta?.system, { ...messages('sd')[1], seq: 2 })
    await open().history.append(keys, [message('new', 's')], bounds())
    assert.equal((await open().history.read(keys, everything)).meta?.system?.id, 'new')
  })
}

function trimmedBy(done: Appended): number | undefined {
  return done.kind === 'appended' ? done.trimmed : undefined
}

function reading({ open, it }: Suite): void {
  it('finds no session where there is none', async () => {
    const nothing = { meta: undefined, entries: [] }
    assert.deepEqual(await open().history.read(session(), everything), nothing)
    assert.deepEqual(await open().history.read(session(), { ...everything, before: 5 }), nothing)
  })

  it('reads the newest, oldest of them first, and pages back from there', async () => {
    const keys = session()
    await open().history.append(keys, messages('uauauau'), bounds({ max: 6, keep: 6 }))
    const page = async (limit: number, before?: number) => {
      const { entries } = await open().history.read(keys, { limit, before, ttlMs: undefined })
      return entries.map(({ seq }) => seq)
    }
    assert.deepEqual(await page(2), [6, 7])
    assert.deepEqual(await page(2, 6), [4, 5])
    assert.deepEqual(await page(2, 4), [3])
    assert.deepEqual(await page(2, 3), [])
    assert.deepEqual(await page(2, 1), [])
    assert.deepEqual(await page(100), [3, 4, 5, 6, 7])
    assert.deepEqual(await page(100, 100), [3, 4, 5, 6, 7])
  })

  it('still knows the session where a page is empty', async () => {
    const keys = session()
    await open().history.append(keys, messages('ua'), bounds())
    for (const range of [
      { limit: 5, before: 1 },
      { limit: 0, before: undefined },
    ]) {
      const { meta, entries } = await open().history.read(keys, { ...range, ttlMs: undefined })
      assert.deepEqual([meta?.length, entries], [2, []])
    }
  })

  it('keeps a copy: a later change of what was handed in or out changes nothing', async () => {
    const keys = session()
    const payload = Buffer.from('hello')
    const title = Buffer.from('title')
    await open().history.append(keys, [{ ...message('a', 's'), payload }], bounds({ title }))
    payload.fill('x')
    title.fill('x')
    const first = await open().history.read(keys, everything)
    first.entries[0]?.payload.fill('y')
    first.meta?.title?.fill('y')
    first.meta?.system?.payload.fill('y')
    const { meta, entries } = await open().history.read(keys, everything)
    const texts = [entries[0]?.payload, meta?.title, meta?.system?.payload].map(String)
    assert.deepEqual(texts, ['hello', 'title', 'hello'])
  })
}
