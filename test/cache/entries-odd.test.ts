import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { CacheStore } from '../../lib/cache/shelf.ts'
import { createStore } from '../../lib/store.ts'
import { counting } from './pairs.ts'
import { headSaid, sealedHead } from './sealed-head.ts'
import { closeSites, frameworks } from './site.ts'

type Head = Record<string, unknown> & { fields: Record<string, unknown> }
type Stored = { head: Head; body: Buffer }

const status = (code: number) => (stored: Stored) => {
  stored.head['status'] = code
}
const field = (name: string, value: unknown) => (stored: Stored) => {
  stored.head.fields[name] = value
}
const number = (name: string, value: number) => (stored: Stored) => {
  stored.head[name] = value
}

const damages: readonly (readonly [says: string, spoil: (stored: Stored) => void])[] = [
  ...[0, 101, 199, 206, 304, 600, 99_999, 200.5].map(
    (code) => [`a status ${code}`, status(code)] as const,
  ),
  ['a Set-Cookie', field('set-cookie', ['sid=1'])],
  ['a Set-Cookie in other letters', field('Set-Cookie', 'sid=1')],
  ['a Transfer-Encoding', field('transfer-encoding', 'chunked')],
  ['a Content-Length', field('content-length', '1')],
  ['a line break in a field', field('x-a', 'a\r\nb: c')],
  ['a character that no field can hold', field('x-a', '\u0100')],
  ['a field that is a number', field('x-a', 1)],
  ['a field without a name', field('', 'a')],
  ['a life without end', number('lifeMs', 1e300)],
  ['a life above 2^31 seconds', number('lifeMs', 2 ** 31 * 1000 + 1)],
  ['an age above 2^31 seconds', number('ageMs', 2 ** 31 * 1000 + 1)],
  ['a negative age', number('ageMs', -1)],
  ['a date that is none', number('storedAt', 1e300)],
  ['another byte in its body', (stored) => stored.body.fill('R', 0, 1)],
  ['another body', (stored) => Object.assign(stored, { body: Buffer.from('run 7') })],
  ['a body that ends early', (stored) => Object.assign(stored, { body: stored.body.subarray(1) })],
]

/** A store whose entries come back spoiled. */
function spoiled(spoil: (stored: Stored) => void, dropped: string[]): CacheStore {
  const sound = createStore({ provider: 'embedded' })
  const { find, drop } = sound.entries
  const entries: CacheStore['entries'] = {
    ...sound.entries,
    async find(...args) {
      const found = await find(...args)
      const { entry } = found
      if (entry === undefined) return found
      const written = Buffer.from(entry.body)
      const stored = { head: headSaid(entry.head), body: Buffer.from(entry.body) } as Stored
      spoil(stored)
      const head = sealedHead(stored.head, written)
      return { ...found, entry: { head, body: stored.body } }
    },
    drop(key) {
      dropped.push(key)
      return drop(key)
    },
  }
  return { ...sound, entries }
}

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: an entry that no cache has written`, () => {
    afterEach(closeSites)

    it('answers from an entry that is as it was written', async () => {
      const store = spoiled(() => undefined, [])
      const { get } = await counting(framework, { cache: { ttl: 60, store } })
      await get('/a')
      await wait(5)
      assert.equal((await get('/a')).body, 'run 1')
    })

    for (const [says, spoil] of damages) {
      it(`drops one with ${says}, and runs the handler`, async () => {
        const dropped: string[] = []
        const store = spoiled(spoil, dropped)
        const { get } = await counting(framework, { cache: { ttl: 60, store } })
        await get('/a')
        await wait(5)
        const { status, headers, body } = await get('/a')
        assert.deepEqual([status, body, headers['set-cookie']], [200, 'run 2', undefined])
        assert.equal(dropped.length, 1)
      })
    }
  })
}
