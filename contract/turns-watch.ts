import assert from 'node:assert/strict'
import type { TurnListener } from '../lib/ports/turns.ts'
import { batch, begin, claim, end, recordsOf, take, write } from './answering.ts'
import { bounds, message, messages, minuteMs, session } from './conversation.ts'
import { eventually, pause } from './expectations.ts'
import { fresh } from './names.ts'
import type { Suite } from './suite.ts'

/** How others follow a turn, and stop it. */
export function turnsWatchContract(suite: Suite): void {
  const { describe } = suite
  describe('looking at a turn', () => looking(suite))
  describe('watching a turn', () => {
    watching(suite)
    missing(suite)
  })
  describe('stopping turns', () => {
    stopping(suite)
    hearing(suite)
  })
}

/** Listens, and keeps what it hears. */
function ear(): TurnListener & { readonly heard: string[] } {
  const heard: string[] = []
  return {
    heard,
    batch: ({ last, bytes }) => void heard.push(`${last} ${bytes}`),
    ended: () => void heard.push('ended'),
  }
}

function looking({ open, it }: Suite): void {
  it('knows nothing of what never was', async () => {
    const nothing = { record: undefined, live: false, batches: [] }
    const keys = session()
    assert.deepEqual(await open().turns.look(keys, 'q', 0, minuteMs), nothing)
    assert.deepEqual(await open().turns.look(keys, undefined, 0, minuteMs), nothing)
    assert.deepEqual(await open().keys(`${keys.session}*`), [])
    await open().history.append(keys, messages('ua'), bounds())
    assert.deepEqual(await open().turns.look(keys, 'm1', 0, minuteMs), nothing)
  })

  it('finds the newest turn where none is named', async () => {
    const keys = session()
    const old = await take(open, keys)
    await write(open, keys, old, batch(1, 'old'))
    await end(open, keys, old)
    const hold = await take(open, keys, { question: message('r') })
    await write(open, keys, hold, batch(1, 'new'))
    const { record, live, batches } = await open().turns.look(keys, undefined, 0, 0)
    assert.deepEqual([record?.turn, record?.token, live], ['r', hold.token, true])
    assert.deepEqual(batches, [{ last: 1, bytes: Buffer.from('new') }])
    const first = await open().turns.look(keys, 'q', 0, 0)
    assert.deepEqual([first.record?.state, first.live], ['ended', false])
    assert.deepEqual(first.batches, [{ last: 1, bytes: Buffer.from('old') }])
  })

  it('changes neither the session nor how long it is kept', async () => {
    const keys = session()
    await take(open, keys)
    await open().expire(keys.session, minuteMs / 2)
    const range = { limit: 9, before: undefined, ttlMs: undefined }
    const before = await open().history.read(keys, range)
    await open().turns.look(keys, 'q', 0, minuteMs)
    assert.deepEqual(await open().history.read(keys, range), before)
    assert.ok(((await open().ttl(keys.session)) ?? 0) <= minuteMs / 2, 'it is not renewed')
  })
}

function watching({ open, it }: Suite): void {
  it('hears each batch and the end, in order', async () => {
    const keys = session()
    const hold = await take(open, keys)
    const listener = ear()
    const leave = await open().turns.watch(keys, 'q', listener)
    await open().turns.look(keys, 'q', 0, minuteMs)
    for (const last of [1, 2, 12, 13]) await write(open, keys, hold, batch(last, `|${last}\n`))
    await write(open, keys, hold)
    await end(open, keys, hold)
    await eventually(async () => listener.heard.includes('ended'))
    assert.deepEqual(listener.heard, ['1 |1\n', '2 |2\n', '12 |12\n', '13 |13\n', 'ended'])
    await leave()
  })

  it('hears what is sent twice once', async () => {
    const keys = session()
    const hold = await take(open, keys)
    const listener = ear()
    const leave = await open().turns.watch(keys, 'q', listener)
    await open().turns.look(keys, undefined, 0, minuteMs)
    for (const last of [1, 1, 2]) await write(open, keys, hold, batch(last))
    for (const _ of [1, 2]) await end(open, keys, hold)
    const next = await take(open, keys, { question: message('r') })
    await end(open, keys, next, [message('b', 'a')])
    await eventually(async () => listener.heard.includes('ended'))
    await pause(20)
    assert.deepEqual(listener.heard, ['1 up to 1', '2 up to 2', 'ended'])
    await leave()
  })

  it('hears bytes', async () => {
    const keys = session()
    const hold = await take(open, keys)
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const got: Buffer[] = []
    const leave = await open().turns.watch(keys, 'q', {
      batch: (heard) => got.push(heard.bytes),
      ended: () => {},
    })
    await open().turns.look(keys, 'q', 0, minuteMs)
    await write(open, keys, hold, { last: 1, bytes })
    await eventually(async () => got.length > 0)
    assert.deepEqual(got, [bytes])
    await leave()
  })
}

function missing({ open, it }: Suite): void {
  it('misses nothing when it watches first and then looks', async () => {
    const keys = session()
    const hold = await take(open, keys)
    const all = Array.from({ length: 60 }, (_, at) => `${at + 1} up to ${at + 1}`)
    const writing = (async () => {
      for (let last = 1; last <= all.length; last += 1) await write(open, keys, hold, batch(last))
      await end(open, keys, hold)
    })()
    const listener = ear()
    const leave = await open().turns.watch(keys, 'q', listener)
    const { batches } = await open().turns.look(keys, 'q', 0, minuteMs)
    await writing
    const known = batches.map(({ last, bytes }) => `${last} ${bytes}`)
    const seen = () => new Set([...known, ...listener.heard])
    await eventually(async () => all.every((each) => seen().has(each)))
    await leave()
  })

  it('hears of no other turn, and nothing after it has left', async () => {
    const [keys, other] = [session(), session()]
    const [hold, away] = [await take(open, keys), await take(open, other)]
    const [left, stays] = [ear(), ear()]
    const leave = await open().turns.watch(keys, 'q', left)
    const leaves = [
      await open().turns.watch(keys, 'q', stays),
      await open().turns.watch(keys, 'r', left),
    ]
    for (const each of [keys, other]) await open().turns.look(each, 'q', 0, minuteMs)
    await leave()
    await leave()
    await write(open, other, away, batch(1))
    await write(open, keys, hold, batch(2))
    await eventually(async () => stays.heard.length > 0)
    await pause(20)
    assert.deepEqual([stays.heard, left.heard], [['2 up to 2'], []])
    for (const each of leaves) await each()
  })
}

function stopping({ open, it }: Suite): void {
  it('asks all that run, and gives them', async () => {
    const keys = session()
    const ids = ['q', 'r', 's']
    const holds = []
    for (const id of ids)
      holds.push(await take(open, keys, { question: message(id), claim: { alone: false } }))
    const [first, second, third] = holds
    assert.ok(first && second && third)
    await end(open, keys, first)
    const asked = await open().turns.stop(keys, undefined)
    assert.deepEqual(
      asked.map(({ turn, token, state }) => ({ turn, token, state })),
      [second, third].map((hold) => ({ ...hold, state: 'stopping' })),
    )
    assert.deepEqual((await recordsOf(open, keys)).slice(1), asked)
    assert.equal(await write(open, keys, second, batch(1)), 'stopping')
    assert.equal(await write(open, keys, third), 'stopping')
    const { batches } = await open().turns.look(keys, 'r', 0, 0)
    assert.equal(batches.length, 1)
  })

  it('asks one alone', async () => {
    const keys = session()
    const aside = { claim: { alone: false } }
    const hold = await take(open, keys, aside)
    const other = await take(open, keys, { ...aside, question: message('r') })
    const asked = await open().turns.stop(keys, 'r')
    assert.deepEqual(
      asked.map(({ turn }) => turn),
      ['r'],
    )
    assert.equal(await write(open, keys, hold), 'written')
    assert.equal(await write(open, keys, other), 'stopping')
  })

  it('asks nobody where nothing runs, and makes no session', async () => {
    const keys = session()
    assert.deepEqual(await open().turns.stop(keys, undefined), [])
    assert.deepEqual(await open().keys(`${keys.session}*`), [])
    const hold = await take(open, keys)
    assert.deepEqual(await open().turns.stop(keys, 'r'), [])
    await end(open, keys, hold)
    assert.deepEqual(await open().turns.stop(keys, 'q'), [])
  })

  it('ends nothing: whoever answers does', async () => {
    const keys = session()
    const hold = await take(open, keys)
    await open().turns.stop(keys, undefined)
    const found = await begin(open, keys, { question: message('r') })
    assert.deepEqual(found.kind === 'busy' && found.record.state, 'stopping')
    assert.equal((await end(open, keys, hold)).kind, 'ended')
  })
}

function hearing({ open, it }: Suite): void {
  it('is heard by whoever answers, with the token, and by nobody else', async () => {
    const keys = session()
    const [runner, another] = [fresh('runner'), fresh('runner')]
    const [heard, elsewhere]: string[][] = [[], []]
    const leaves = [
      await open().turns.onStop(runner, (token) => heard?.push(token)),
      await open().turns.onStop(another, (token) => elsewhere?.push(token)),
    ]
    const asks = claim({ runner })
    await take(open, keys, { claim: asks })
    await open().turns.stop(keys, 'q')
    await open().turns.stop(keys, undefined)
    await eventually(async () => heard?.length === 2)
    await pause(20)
    assert.deepEqual([heard, elsewhere], [[asks.token, asks.token], []])
    for (const leave of leaves) await leave()
    await open().turns.stop(keys, 'q')
    await pause(20)
    assert.equal(heard?.length, 2)
  })
}
