import assert from 'node:assert/strict'
import { begin, claim, end, recordsOf, take, write } from './answering.ts'
import { bounds, changing, message, messages, metaOf, session } from './conversation.ts'
import { eventually } from './expectations.ts'
import { fresh } from './names.ts'
import type { Suite } from './suite.ts'

/** What a session knows of its turns. */
export function turnRecordsContract(suite: Suite): void {
  suite.describe('the records of turns', () => {
    records(suite)
    ofOthers(suite)
  })
  suite.describe('what beginning a turn tells of its session', () => known(suite))
}

function records({ open, it }: Suite): void {
  it('are sixteen at most: the oldest that have ended go, with their pieces', async () => {
    const keys = session()
    for (let at = 0; at < 20; at += 1) {
      const hold = await take(open, keys, { question: message(`q${at}`) })
      await write(open, keys, hold, { last: 1, bytes: Buffer.from('piece') })
      await end(open, keys, hold, [message(`a${at}`, 'a')])
    }
    const turns = (await recordsOf(open, keys)).map(({ turn }) => turn)
    assert.deepEqual(
      turns,
      Array.from({ length: 16 }, (_, at) => `q${at + 4}`),
    )
    const pieces = await open().keys(`${keys.session}:t:*`)
    assert.equal(pieces.length, 16)
  })

  it('let no seventeenth turn run', async () => {
    const keys = session()
    const ask = (id: string) =>
      begin(open, keys, { question: message(id), claim: { alone: false } })
    for (let at = 0; at < 16; at += 1) assert.equal((await ask(`q${at}`)).kind, 'begun')
    const found = await ask('one more')
    assert.deepEqual(found.kind === 'busy' && found.record.turn, 'q0')
  })

  it('go when their turn has ended long ago', async () => {
    const keys = session()
    const hold = await take(open, keys)
    await write(open, keys, hold, { last: 1, bytes: Buffer.from('piece') })
    await end(open, keys, hold, undefined, { keepMs: 20 })
    await eventually(async () => (await open().turns.look(keys, 'q', 0, 0)).record === undefined)
    await take(open, keys, { question: message(fresh('q')) })
    const turns = (await recordsOf(open, keys)).map(({ turn }) => turn)
    assert.equal(turns.includes('q'), false)
    assert.deepEqual(await open().keys(`${keys.session}:t:*`), [])
  })
}

function known({ open, it }: Suite): void {
  it('is what a read tells, where the question is new and where it is there', async () => {
    const keys = session()
    const title = Buffer.from('a title')
    await open().history.append(
      keys,
      [message('rules', 's'), ...messages('uaua')],
      bounds({ title }),
    )
    const summary = { through: 2, after: 0, payload: Buffer.from('so far') }
    const changes = { meta: Buffer.from('of the application'), pinned: true, summary }
    await open().history.amend(keys, changes, changing())
    for (const id of ['q', 'm1']) {
      const asks = claim({ alone: false })
      const other = bounds({ title: Buffer.from('another title') })
      const { begun, read } = await open().turns.begin(keys, message(id), asks, other, 1)
      assert.deepEqual(begun.kind === 'begun' && begun.again, id === 'm1')
      assert.deepEqual(read.meta, await metaOf(open, keys))
      assert.deepEqual([read.meta?.title, read.meta?.pinned], [title, true])
    }
  })
}

function ofOthers({ open, it }: Suite): void {
  it('stand in the order in which turns have ended, without their runner, before those that run', async () => {
    const keys = session()
    const ask = (id: string) => take(open, keys, { question: message(id), claim: { alone: false } })
    const runs = await ask('runs')
    for (let at = 16; at > -1; at -= 1)
      await ask(`q${at}`).then((hold) => end(open, keys, hold, []))
    const [late, early] = [await ask('late'), await ask('early')]
    await end(open, keys, early, [])
    await end(open, keys, late, [])
    const turns = await recordsOf(open, keys)
    const ended = Array.from({ length: 14 }, (_, at) => `q${13 - at}`)
    assert.deepEqual(
      turns.map(({ turn }) => turn),
      [...ended, 'early', 'late', 'runs'],
    )
    assert.deepEqual([...new Set(turns.slice(0, -1).map(({ runner }) => runner))], [''])
    assert.deepEqual([turns.at(-1)?.token, turns.at(-1)?.state], [runs.token, 'running'])
  })

  it('are told to whoever begins another, of those that run', async () => {
    const keys = session()
    await end(open, keys, await take(open, keys))
    const asks = () => claim({ alone: false })
    await open().turns.begin(keys, message('one'), asks(), bounds(), 1)
    const { read } = await open().turns.begin(keys, message('two'), asks(), bounds(), 1)
    assert.deepEqual(
      read.meta?.turns.map(({ turn }) => turn),
      ['one', 'two'],
    )
  })
}
