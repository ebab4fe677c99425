import assert from 'node:assert/strict'
import { encodeId, ownerKeys } from '../lib/keys.ts'
import type { FieldKeys } from '../lib/ports/fields.ts'
import { listed, minuteMs, session } from './conversation.ts'
import { failsWith, within } from './expectations.ts'
import { type Changes, fieldBounds, fieldMap, preferencesOf, stateOf } from './field-values.ts'
import { fresh, hostile } from './names.ts'
import type { Suite } from './suite.ts'

/** What named values must do, on every provider. */
export function fieldsContract(suite: Suite): void {
  const { describe } = suite
  describe('named values', () => {
    values(suite)
    conditions(suite)
  })
  describe("a user's preferences", () => preferences(suite))
}

const text = (words: string) => Buffer.from(words)

function values({ open, it }: Suite): void {
  const read = (keys: FieldKeys, names?: string[]) => open().fields.read(keys, names, undefined)
  const write = (keys: FieldKeys, changes: Changes) =>
    open().fields.write(keys, fieldMap(changes), fieldBounds())

  it('change one by one, and are deleted one by one', async () => {
    for (const keys of [preferencesOf(), stateOf(session())]) {
      assert.deepEqual(await write(keys, { a: '1', b: '2' }), { kind: 'written' })
      assert.deepEqual(await write(keys, { b: undefined, c: '3', d: undefined }), {
        kind: 'written',
      })
      assert.deepEqual(await read(keys), fieldMap({ a: '1', c: '3' }))
    }
  })

  it('are read by name, absent ones left out', async () => {
    const keys = preferencesOf()
    await write(keys, { a: '1', b: '2', c: '3' })
    assert.deepEqual(await read(keys, ['c', 'x', 'a']), fieldMap({ c: '3', a: '1' }))
    assert.deepEqual(await read(keys, []), new Map())
    assert.deepEqual(await read(preferencesOf()), new Map())
    assert.deepEqual(await read(preferencesOf(), ['a']), new Map())
  })

  it('are any bytes under any name', async () => {
    const keys = preferencesOf()
    const names = hostile.filter((name) => name.length < 100).map((name) => encodeId('field', name))
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const all = new Map(names.map((name, at) => [name, Buffer.from([at, ...bytes])]))
    all.set('empty', Buffer.alloc(0))
    await open().fields.write(keys, all, fieldBounds())
    const byName = (found: ReadonlyMap<string, Buffer>) => new Map([...found].sort())
    assert.deepEqual(byName(await read(keys)), byName(all))
    assert.deepEqual(byName(await read(keys, [...all.keys()])), byName(all))
  })

  it('are copies of what is handed in and out', async () => {
    const keys = preferencesOf()
    const bytes = text('hello')
    await open().fields.write(keys, new Map([['a', bytes]]), fieldBounds())
    bytes.fill('x')
    ;(await read(keys)).get('a')?.fill('y')
    assert.deepEqual(await read(keys), fieldMap({ a: 'hello' }))
  })

  it('leave no key when the last is deleted', async () => {
    const keys = preferencesOf()
    await write(keys, { a: '1' })
    assert.deepEqual(await open().keys(keys.fields), [keys.fields])
    await write(keys, { a: undefined })
    assert.equal(await open().exists([keys.fields]), 0)
  })

  it('are refused where something else stands', async () => {
    const keys = preferencesOf()
    await open().set(keys.fields, text('1'), minuteMs)
    await failsWith('corrupt', read(keys))
    await failsWith('corrupt', read(keys, ['a']))
    await failsWith('corrupt', write(keys, { a: '1' }))
    assert.deepEqual(await open().get(keys.fields), text('1'))
    const others = preferencesOf()
    await write(others, { a: '1' })
    await failsWith('corrupt', open().get(others.fields))
  })
}

function conditions({ open, it }: Suite): void {
  const read = (keys: FieldKeys) => open().fields.read(keys, undefined, undefined)

  it('are written only while they are as expected, all or none', async () => {
    const keys = preferencesOf()
    await open().fields.write(keys, fieldMap({ a: '1', b: '2' }), fieldBounds())
    for (const expected of [
      { a: '2' },
      { a: undefined },
      { c: '1' },
      { a: '1', b: undefined },
      { a: '1', c: '' },
    ])
      assert.deepEqual(
        await open().fields.write(
          keys,
          fieldMap({ a: 'x', c: 'x' }),
          fieldBounds({ expected: fieldMap(expected) }),
        ),
        { kind: 'changed' },
      )
    assert.deepEqual(await read(keys), fieldMap({ a: '1', b: '2' }))
    const expected = fieldMap({ a: '1', c: undefined })
    assert.deepEqual(
      await open().fields.write(keys, fieldMap({ a: 'x' }), fieldBounds({ expected })),
      {
        kind: 'written',
      },
    )
    assert.deepEqual(await read(keys), fieldMap({ a: 'x', b: '2' }))
  })

  it('let one of many that expect the same through', async () => {
    const keys = preferencesOf()
    const expected = fieldMap({ a: undefined })
    const calls = Array.from({ length: 20 }, (_, at) =>
      open().fields.write(keys, fieldMap({ a: `${at}` }), fieldBounds({ expected })),
    )
    const done = await Promise.all(calls)
    assert.equal(done.filter(({ kind }) => kind === 'written').length, 1)
  })

  it('are no more than so many', async () => {
    const keys = preferencesOf()
    const write = (changes: Changes) =>
      open().fields.write(keys, fieldMap(changes), fieldBounds({ max: 3 }))
    assert.deepEqual(await write({ a: '1', b: '1', c: '1', d: '1' }), { kind: 'full' })
    assert.equal(await open().exists([keys.fields]), 0)
    await write({ a: '1', b: '1', c: '1' })
    assert.deepEqual(await write({ a: '2', d: '1' }), { kind: 'full' })
    assert.deepEqual(await write({ a: '2', b: undefined, d: '1' }), { kind: 'written' })
    assert.deepEqual(await read(keys), fieldMap({ a: '2', c: '1', d: '1' }))
    const fewer = fieldBounds({ max: 1 })
    assert.deepEqual(await open().fields.write(keys, fieldMap({ a: '3', b: undefined }), fewer), {
      kind: 'written',
    })
  })
}

function preferences({ open, it }: Suite): void {
  it('belong to no session', async () => {
    const owner = fresh('owner')
    await open().fields.write(preferencesOf(owner), fieldMap({ a: '1' }), fieldBounds())
    assert.deepEqual(await listed(open, ownerKeys(owner)), [])
  })

  it('are renewed by a write, and by a read that asks for it; else they stay for good', async () => {
    const keys = preferencesOf()
    const ttl = () => open().ttl(keys.fields)
    await open().fields.write(keys, fieldMap({ a: '1' }), fieldBounds({ ttlMs: undefined }))
    assert.equal(await ttl(), Number.POSITIVE_INFINITY)
    await open().fields.write(keys, fieldMap({ b: '1' }), fieldBounds())
    within(await ttl(), minuteMs)
    await open().expire(keys.fields, 5_000)
    await open().fields.read(keys, ['a'], undefined)
    within(await ttl(), 5_000)
    await open().fields.read(keys, ['a'], minuteMs)
    within(await ttl(), minuteMs)
  })
}
