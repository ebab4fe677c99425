import assert from 'node:assert/strict'
import { begin, claim, end, recordsOf, take } from './answering.ts'
import { bounds, everything, kept, message, messages, minuteMs, session } from './conversation.ts'
import { eventually, pause, within } from './expectations.ts'
import type { Suite } from './suite.ts'

/** How turns begin. */
export function turnsBeginContract(suite: Suite): void {
  const { describe } = suite
  describe('beginning a turn', () => {
    beginning(suite)
    ofASession(suite)
  })
  describe('beginning a turn that another is in the way of', () => {
    inTheWay(suite)
    races(suite)
  })
}

function beginning({ open, it }: Suite): void {
  it('stores the question and takes the turn', async () => {
    const keys = session()
    const asks = claim()
    const { begun, read } = await open().turns.begin(keys, message('q'), asks, bounds(), 10)
    assert.deepEqual(begun, {
      kind: 'begun',
      rev: 1,
      seq: 1,
      trimmed: 0,
      created: true,
      again: false,
    })
    assert.deepEqual(read.entries, [{ ...message('q'), seq: 1 }])
    const [{ until = 0, runner = '', ...record } = {}] = read.meta?.turns ?? []
    assert.deepEqual(record, { turn: 'q', token: asks.token, state: 'running' })
    // A namespace stands before it.
    assert.ok(runner.endsWith(asks.runner), runner)
    assert.ok(Math.abs(until - Date.now() - minuteMs) < 30_000, `${until} is not in a minute`)
    assert.deepEqual(await open().history.read(keys, everything), read)
  })

  it('reads the newest messages, and the question among them', async () => {
    const keys = session()
    await open().history.append(keys, messages('uaua'), bounds())
    const read = async (limit: number, id: string) => {
      const asks = claim({ alone: false })
      const found = await open().turns.begin(keys, message(id), asks, bounds(), limit)
      return [found.read.meta?.length, ...found.read.entries.map((entry) => entry.id)]
    }
    assert.deepEqual(await read(3, 'q'), [5, 'm3', 'm4', 'q'])
    assert.deepEqual(await read(0, 'r'), [6])
    assert.deepEqual(await read(100, 's'), [7, 'm1', 'm2', 'm3', 'm4', 'q', 'r', 's'])
  })

  it('takes a question that is stored and not answered', async () => {
    const keys = session()
    await open().history.append(keys, [message('q'), message('other')], bounds())
    const begun = await begin(open, keys)
    const stored = { rev: 1, seq: 2, trimmed: 0, created: false }
    assert.deepEqual(begun, { kind: 'begun', ...stored, again: true })
    assert.deepEqual(await kept(open, keys), ['uu', [1, 2]])
  })

  it('is the same turn when it comes again with its token', async () => {
    const keys = session()
    const asks = claim()
    await begin(open, keys, { claim: asks })
    const begun = await begin(open, keys, { claim: asks })
    assert.deepEqual(begun.kind === 'begun' && [begun.again, begun.rev, begun.seq], [true, 1, 1])
    assert.deepEqual(await kept(open, keys), ['u', [1]])
    assert.equal((await recordsOf(open, keys)).length, 1)
  })

  it('finds the answer where there is one', async () => {
    const keys = session()
    await open().history.append(keys, messages('ua'), bounds())
    const hold = await take(open, keys)
    await end(open, keys, hold, messages('ata', 10))
    await open().history.append(keys, messages('ua', 20), bounds())
    assert.deepEqual(await begin(open, keys), { kind: 'answered', first: 4, count: 3 })
    assert.equal((await recordsOf(open, keys))[0]?.state, 'ended')
  })
}

function ofASession({ open, it }: Suite): void {
  it('keeps, trims and lists the session as an append does', async () => {
    const keys = session()
    await open().history.append(keys, messages('uauaua'), bounds())
    const begun = await begin(open, keys, { bounds: { max: 6, keep: 4, ttlMs: 5 * minuteMs } })
    assert.equal(begun.kind === 'begun' && begun.trimmed, 4)
    assert.deepEqual(await kept(open, keys), ['uau', [5, 6, 7]])
    for (const key of [keys.session, keys.index]) within(await open().ttl(key), 5 * minuteMs)
    const other = session()
    await begin(open, other, { bounds: { title: Buffer.from('first') } })
    const [listed] = await open().history.list(other.index, { limit: 9, after: undefined })
    assert.deepEqual([listed?.id, listed?.meta.title], [other.id, Buffer.from('first')])
  })

  it('renews the time a session is kept, whatever it finds', async () => {
    const keys = session()
    await take(open, keys)
    for (const id of ['q', 'another']) {
      await open().expire(keys.session, minuteMs / 2)
      await begin(open, keys, { question: message(id) })
      const left = await open().ttl(keys.session)
      assert.ok(left !== undefined && left > minuteMs / 2, `${left}`)
    }
  })

  it('begins anew where the session was removed', async () => {
    const keys = session()
    await take(open, keys)
    await open().history.remove(keys)
    const begun = await begin(open, keys)
    assert.deepEqual(begun.kind === 'begun' && [begun.created, begun.again], [true, false])
    assert.deepEqual(await kept(open, keys), ['u', [1]])
  })
}

function inTheWay({ open, it }: Suite): void {
  it('finds the question being answered', async () => {
    const keys = session()
    const { token } = await take(open, keys)
    const found = await begin(open, keys)
    assert.deepEqual(found.kind === 'running' && [found.record.turn, found.record.token], [
      'q',
      token,
    ])
    const aside = await begin(open, keys, { claim: { alone: false } })
    assert.equal(aside.kind, 'running')
  })

  it('stores nothing while another question is answered, where turns run one by one', async () => {
    const keys = session()
    const { token } = await take(open, keys)
    const found = await begin(open, keys, { question: message('other') })
    assert.deepEqual(found.kind === 'busy' && found.record.token, token)
    assert.deepEqual(await kept(open, keys), ['u', [1]])
    assert.equal((await recordsOf(open, keys)).length, 1)
  })

  it('waits for no other question where turns may run side by side', async () => {
    const keys = session()
    const aside = { claim: { alone: false } }
    await take(open, keys, aside)
    await take(open, keys, { ...aside, question: message('other') })
    const turns = (await recordsOf(open, keys)).map(({ turn }) => turn)
    assert.deepEqual(turns, ['q', 'other'])
  })

  it('finds a turn whose lease has run out, until it is ended', async () => {
    const keys = session()
    const hold = await take(open, keys, { claim: { leaseMs: 20 } })
    const found = async (id: string) => (await begin(open, keys, { question: message(id) })).kind
    assert.notEqual(await found('other'), 'begun')
    await eventually(async () => (await found('other')) === 'lapsed')
    assert.equal(await found('q'), 'lapsed')
    await end(open, keys, hold, [], { lapsed: true })
    assert.equal(await found('other'), 'begun')
  })

  it('leaves the lease of another question alone where turns may run side by side', async () => {
    const keys = session()
    await take(open, keys, { claim: { leaseMs: 5 } })
    await pause(20)
    await take(open, keys, { claim: { alone: false }, question: message('other') })
    assert.equal((await recordsOf(open, keys)).length, 2)
  })
}

function races({ open, it }: Suite): void {
  it('lets one of fifty questions through', async () => {
    const keys = session()
    const asked = Array.from({ length: 50 }, (_, at) =>
      begin(open, keys, { question: message(`q${at}`) }),
    )
    const found = (await Promise.all(asked)).map(({ kind }) => kind).sort()
    assert.deepEqual(found, ['begun', ...Array.from({ length: 49 }, () => 'busy')].sort())
    assert.deepEqual(await kept(open, keys), ['u', [1]])
  })

  it('lets one of fifty who ask the same through', async () => {
    const keys = session()
    const found = await Promise.all(Array.from({ length: 50 }, () => begin(open, keys)))
    const kinds = found.map(({ kind }) => kind).sort()
    assert.deepEqual(kinds, ['begun', ...Array.from({ length: 49 }, () => 'running')])
  })
}
