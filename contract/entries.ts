import assert from 'node:assert/strict'
import type { NewVariant } from '../lib/ports/entries.ts'
import { eventually, failsWith, within } from './expectations.ts'
import { fresh, hostile } from './names.ts'
import type { Suite } from './suite.ts'

const minuteMs = 60_000

function response(name: string, { variant = '', ...rest }: Partial<NewVariant> = {}): NewVariant {
  return {
    vary: variant === '' ? [] : ['accept'],
    variant,
    entry: { head: Buffer.from(`head of ${name}`), body: Buffer.from(`body of ${name}`) },
    ttlMs: minuteMs,
    maxVariants: 8,
    ...rest,
  }
}

const absent = { vary: [], entry: undefined, purges: [] }

/** The key of a resource; as in the package, its braces keep its variants on one slot. */
function resource(): string {
  return `cache:{${fresh()}}`
}

/** What cached responses must do, on every provider. */
export function entriesContract(suite: Suite): void {
  const { open, describe } = suite
  const find = async (key: string, variant = '') => {
    const { vary, entry } = await open().entries.find(key, variant, [])
    return { vary, body: entry?.body.toString() }
  }

  describe('cached responses', () => responses(suite, find))
  describe('variants of a cached response', () => {
    variants(suite, find)
    tooManyVariants(suite, find)
  })
}

type Find = (
  key: string,
  variant?: string,
) => Promise<{ vary: readonly string[]; body?: string | undefined }>

function responses({ open, it }: Suite, find: Find): void {
  it('finds nothing where nothing was kept', async () => {
    assert.deepEqual(await open().entries.find(resource(), '', []), absent)
    assert.deepEqual(await open().entries.find(resource(), 'html', []), absent)
  })

  it('finds head and body as their bytes', async () => {
    const key = resource()
    const entry = { head: Buffer.from([0, 255, 10]), body: Buffer.from([255, 0, 124, 13]) }
    await open().entries.keep(key, response('', { entry }))
    assert.deepEqual(await open().entries.find(key, '', []), { vary: [], entry, purges: [] })
  })

  it('keeps an empty body', async () => {
    const key = resource()
    const entry = { head: Buffer.from('304'), body: Buffer.alloc(0) }
    await open().entries.keep(key, response('', { entry }))
    assert.deepEqual((await open().entries.find(key, '', [])).entry, entry)
  })

  it('replaces an entry', async () => {
    const key = resource()
    await open().entries.keep(key, response('old'))
    await open().entries.keep(key, response('new'))
    assert.equal((await find(key)).body, 'body of new')
  })

  it('keeps a copy: a later change of what was handed in or out changes nothing', async () => {
    const key = resource()
    const kept = response('page')
    await open().entries.keep(key, kept)
    Buffer.from(kept.entry.body.buffer, kept.entry.body.byteOffset, 4).fill('x')
    const { entry } = await open().entries.find(key, '', [])
    entry?.body.fill('y')
    entry?.head.fill('y')
    assert.equal((await find(key)).body, 'body of page')
  })

  it('forgets an entry after its time to live', async () => {
    const key = resource()
    await open().entries.keep(key, response('page', { ttlMs: 30 }))
    await eventually(async () => (await find(key)).body === undefined)
    assert.deepEqual(await open().entries.find(key, '', []), absent)
  })

  it('drops a resource', async () => {
    const key = resource()
    await open().entries.keep(key, response('page'))
    await open().entries.drop(key)
    await open().entries.drop(key)
    assert.deepEqual(await open().entries.find(key, '', []), absent)
  })

  it('keeps hostile keys apart', async () => {
    await open().delete(hostile)
    for (const key of hostile) await open().entries.keep(key, response(key))
    for (const key of hostile) assert.equal((await find(key)).body, `body of ${key}`)
    for (const key of hostile) await open().entries.drop(key)
  })

  it('takes a value under its key for corrupt', async () => {
    const key = resource()
    await open().set(key, Buffer.from('1'), minuteMs)
    await failsWith('corrupt', open().entries.find(key, '', []))
    await failsWith('corrupt', open().entries.keep(key, response('page')))
  })
}

function variants({ open, it }: Suite, find: Find): void {
  it('finds the variant asked for, and what the resource varies by', async () => {
    const key = resource()
    await open().entries.keep(key, response('html', { variant: 'html' }))
    await open().entries.keep(key, response('json', { variant: 'json' }))
    const vary = ['accept']
    assert.deepEqual(await find(key, 'html'), { vary, body: 'body of html' })
    assert.deepEqual(await find(key, 'json'), { vary, body: 'body of json' })
    assert.deepEqual(await find(key, 'text'), { vary, body: undefined })
    assert.deepEqual(await find(key), { vary, body: undefined })
  })

  it('learns anew what a resource varies by', async () => {
    const key = resource()
    await open().entries.keep(key, response('one', { variant: 'one' }))
    const vary = ['accept', 'accept-language']
    await open().entries.keep(key, response('two', { variant: 'two', vary }))
    assert.deepEqual((await find(key, 'one')).vary, vary)
    await open().entries.keep(key, response('all'))
    assert.deepEqual(await find(key), { vary: [], body: 'body of all' })
    assert.equal((await find(key, 'one')).body, undefined)
  })

  it('ends each variant at its own time, and what it varies by with the last', async () => {
    const key = resource()
    await open().entries.keep(key, response('long', { variant: 'long' }))
    await open().entries.keep(key, response('short', { variant: 'short', ttlMs: 30 }))
    await eventually(async () => (await find(key, 'short')).body === undefined)
    assert.deepEqual(await find(key, 'long'), { vary: ['accept'], body: 'body of long' })
    within(await open().ttl(key), minuteMs)
  })

  it('drops a resource with all its variants', async () => {
    const key = resource()
    for (const variant of ['one', 'two'])
      await open().entries.keep(key, response(variant, { variant }))
    await open().entries.drop(key)
    for (const variant of ['', 'one', 'two'])
      assert.deepEqual(await open().entries.find(key, variant, []), absent)
  })
}

function tooManyVariants({ open, it }: Suite, find: Find): void {
  it('drops the variant that ends first when there are too many', async () => {
    const key = resource()
    for (const [variant, ttlMs] of [
      ['second', 2 * minuteMs],
      ['first', minuteMs],
      ['third', 3 * minuteMs],
    ] as const)
      await open().entries.keep(key, response(variant, { variant, ttlMs, maxVariants: 2 }))
    assert.equal((await find(key, 'first')).body, undefined)
    assert.equal((await find(key, 'second')).body, 'body of second')
    assert.equal((await find(key, 'third')).body, 'body of third')
  })

  it('keeps the newest variant, even if that ends first', async () => {
    const key = resource()
    for (const [variant, ttlMs] of [
      ['long', 3 * minuteMs],
      ['short', 2 * minuteMs],
      ['shortest', minuteMs],
    ] as const)
      await open().entries.keep(key, response(variant, { variant, ttlMs, maxVariants: 2 }))
    assert.equal((await find(key, 'long')).body, 'body of long')
    assert.equal((await find(key, 'short')).body, undefined)
    assert.equal((await find(key, 'shortest')).body, 'body of shortest')
  })

  it('does not drop another variant for one that is replaced', async () => {
    const key = resource()
    for (const variant of ['one', 'two', 'two'])
      await open().entries.keep(key, response(variant, { variant, maxVariants: 2 }))
    assert.equal((await find(key, 'one')).body, 'body of one')
  })
}
