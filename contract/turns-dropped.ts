import assert from 'node:assert/strict'
import { type SessionKeys, turnChannel, turnKey } from '../lib/keys.ts'
import type { Begun } from '../lib/ports/turns.ts'
import { bounds, changing, kept, message, metaOf, minuteMs, session } from './conversation.ts'
import { eventually } from './expectations.ts'
import { fresh } from './names.ts'
import type { Opened, Suite } from './suite.ts'

/** What becomes of turns whose question, or session, goes; on every provider. */
export function turnsDroppedContract(suite: Suite): void {
  const { describe } = suite
  describe('turns whose question goes', () => {
    ends(suite)
    room(suite)
  })
  describe('an answer that goes', () => unanswered(suite))
  describe('turns of a session that is copied', () => copied(suite))
}

/** A turn that somebody answers, and what that process has heard. */
interface Running {
  readonly turn: string
  readonly token: string
  readonly stops: string[]
}

async function begin(open: Opened, keys: SessionKeys, question: string): Promise<Running> {
  const [token, runner, stops] = [fresh('token'), turnChannel(fresh('runner')), [] as string[]]
  await open().turns.onStop(runner, (heard) => stops.push(heard))
  const claim = { token, runner, leaseMs: minuteMs, alone: false }
  const { begun } = await open().turns.begin(keys, message(question), claim, bounds(), 1)
  assert.equal(begun.kind, 'begun')
  await open().turns.write(
    keys,
    { turn: question, token },
    { last: 1, bytes: Buffer.from('piece') },
    { leaseMs: minuteMs, keepMs: minuteMs },
  )
  return { turn: question, token, stops }
}

function ownerOf({ index }: SessionKeys): string {
  return index.slice('session:{'.length, -1)
}

function end(open: Opened, keys: SessionKeys, { turn, token }: Running, ...answer: string[]) {
  return open().turns.end(
    keys,
    { turn, token },
    answer.map((id) => message(id, 'a')),
    bounds(),
    { lapsed: false, keepMs: minuteMs },
  )
}

/** What a second try at a question finds; it takes the turn where there is no answer. */
async function retry(open: Opened, keys: SessionKeys, question: string): Promise<Begun> {
  const claim = { token: fresh('t'), runner: fresh('r'), leaseMs: minuteMs, alone: false }
  return (await open().turns.begin(keys, message(question), claim, bounds(), 1)).begun
}

function ends({ open, it }: Suite): void {
  for (const [what, drop] of [
    ['a rewind', (keys: SessionKeys) => open().history.rewind(keys, 'q2', changing())],
    ['a removal', (keys: SessionKeys) => open().history.remove(keys)],
    ['forgetting the owner', (keys: SessionKeys) => open().history.forget(keys)],
    [
      'shrinking',
      async (keys: SessionKeys) => {
        const newest = session(ownerOf(keys))
        await open().history.append(newest, [message('x')], bounds())
        return open().history.shrink(keys, 1)
      },
    ],
  ] as const)
    it(`are told to stop by ${what}, and end`, async () => {
      const keys = session()
      const before = await begin(open, keys, 'q1')
      await end(open, keys, before, 'a1')
      const running = await begin(open, keys, 'q2')
      await drop(keys)
      await eventually(async () => running.stops.length > 0)
      assert.deepEqual([running.stops, before.stops], [[running.token], []])
      const times = { leaseMs: minuteMs, keepMs: minuteMs }
      const batch = { last: 2, bytes: Buffer.from('late') }
      assert.equal(await open().turns.write(keys, running, batch, times), 'lost')
      const { kind } = await end(open, keys, running, 'a2')
      assert.ok(kind === 'lost' || kind === 'forgotten', kind)
      assert.equal(await open().exists([turnKey(keys, 'q2')]), 0)
      const { record } = await open().turns.look(keys, 'q2', 0, 0)
      assert.equal(record, undefined)
    })

  it('do not take others along', async () => {
    const keys = session()
    const one = await begin(open, keys, 'q1')
    await begin(open, keys, 'q2')
    await open().history.rewind(keys, 'q2', changing())
    assert.deepEqual(
      (await metaOf(open, keys))?.turns.map(({ turn }) => turn),
      ['q1'],
    )
    assert.equal((await open().turns.look(keys, 'q1', 0, 0)).batches.length, 1)
    assert.equal((await end(open, keys, one, 'a1')).kind, 'ended')
    assert.deepEqual(one.stops, [])
    assert.deepEqual(await kept(open, keys), ['ua', [1, 2]])
  })

  it('leave no key when their session goes', async () => {
    const keys = session()
    await end(open, keys, await begin(open, keys, 'q1'), 'a1')
    await begin(open, keys, 'q2')
    assert.equal(await open().exists([turnKey(keys, 'q1'), turnKey(keys, 'q2')]), 2)
    await open().history.remove(keys)
    assert.deepEqual(await open().keys(`${keys.session}*`), [])
  })
}

function room({ open, it }: Suite): void {
  it('leave room for as many as before, with those that ended before them', async () => {
    const keys = session()
    const asked = async (question: string) =>
      end(open, keys, await begin(open, keys, question), `a-${question}`)
    for (const question of ['q1', 'q2', 'q3', 'q4']) await asked(question)
    await open().history.rewind(keys, 'q3', changing())
    const turns = async () => (await metaOf(open, keys))?.turns.map(({ turn }) => turn)
    assert.deepEqual(await turns(), ['q1', 'q2'])
    const more = Array.from({ length: 15 }, (_, at) => `q${at + 5}`)
    for (const question of more) await asked(question)
    assert.deepEqual(await turns(), ['q2', ...more])
    assert.equal((await open().keys(`${keys.session}:t:*`)).length, 16)
  })
}

function unanswered({ open, it }: Suite): void {
  it('leaves its question to be answered again', async () => {
    const keys = session()
    await end(open, keys, await begin(open, keys, 'q1'), 'a1')
    await end(open, keys, await begin(open, keys, 'q2'), 'a2', 'b2')
    await open().history.rewind(keys, 'a2', changing())
    assert.deepEqual(await kept(open, keys), ['uau', [1, 2, 3]])
    assert.deepEqual(await retry(open, keys, 'q1'), { kind: 'answered', first: 2, count: 1 })
    const begun = await retry(open, keys, 'q2')
    assert.equal(begun.kind === 'begun' && begun.again, true)
  })

  it('in part is as long as what is left', async () => {
    const keys = session()
    await end(open, keys, await begin(open, keys, 'q1'), 'a1', 'b1', 'c1')
    await open().history.rewind(keys, 'c1', changing())
    await open().history.append(keys, [message('other')], bounds())
    assert.deepEqual(await retry(open, keys, 'q1'), { kind: 'answered', first: 2, count: 2 })
  })

  it('of another turn leaves each question that it answered, wherever that stands', async () => {
    const keys = session()
    const [one, two] = [await begin(open, keys, 'q1'), await begin(open, keys, 'q2')]
    await end(open, keys, two, 'a2')
    await end(open, keys, one, 'a1')
    await open().history.rewind(keys, 'a1', changing())
    assert.deepEqual(await retry(open, keys, 'q2'), { kind: 'answered', first: 3, count: 1 })
    assert.equal((await retry(open, keys, 'q1')).kind, 'begun')
  })
}

function copied({ open, it }: Suite): void {
  it('stay with it', async () => {
    const from = session()
    const to = session(ownerOf(from))
    const running = await begin(open, from, 'q1')
    await open().history.fork(from, to, undefined, minuteMs)
    assert.deepEqual((await metaOf(open, to))?.turns, [])
    assert.equal((await metaOf(open, from))?.turns.length, 1)
    assert.equal((await retry(open, to, 'q1')).kind, 'begun')
    assert.equal((await end(open, from, running, 'a1')).kind, 'ended')
  })

  it('are known as answered in the copy where it has their answer', async () => {
    const from = session()
    const [all, less] = [session(ownerOf(from)), session(ownerOf(from))]
    await end(open, from, await begin(open, from, 'q1'), 'a1')
    await open().history.fork(from, all, undefined, minuteMs)
    await open().history.fork(from, less, 'q1', minuteMs)
    assert.deepEqual(await retry(open, all, 'q1'), { kind: 'answered', first: 2, count: 1 })
    const begun = await retry(open, less, 'q1')
    assert.equal(begun.kind === 'begun' && begun.again, true)
  })
}
