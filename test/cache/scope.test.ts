import assert from 'node:assert/strict'
import { type Aside, counting, of, type Pair, pairs } from './pairs.ts'
import { closeSites, frameworks } from './site.ts'

const apart: readonly Pair[] = [
  {
    says: 'users',
    one: ['/a', of('x-user', 'a')],
    other: ['/a', of('x-user', 'b')],
    plan: { cache: { ttl: 60, scope: 'user' } },
  },
  {
    says: 'a user and an id of the same name',
    one: ['/a', of('x-user', 'public')],
    other: ['/a', of('x-user', 'user:public')],
    plan: { cache: { ttl: 60, scope: (n) => n.get('x-user') ?? null } },
  },
]

const alike: readonly Pair[] = [
  {
    says: 'a user twice',
    one: ['/a', of('x-user', 'a')],
    other: ['/a', of('x-user', 'a')],
    plan: { cache: { ttl: 60, scope: 'user' } },
  },
]

const aside: readonly Aside[] = [
  ['nobody for scope user', 'scope', {}, { ttl: 60, scope: 'user' }],
  ['no id for a scope', 'scope', {}, { ttl: 60, scope: () => null }],
]

pairs('whose answers these are', { apart, alike, aside })

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: people`, () => {
    afterEach(closeSites)

    it('keeps a guest apart from other guests', async () => {
      const { get } = await counting(framework, { cache: { ttl: 60, scope: 'user' } })
      const guest = (letter: string) => of('cookie', `memoryware.guest=${letter.repeat(22)}`)
      await get('/a', guest('A'))
      const bodies = [await get('/a', guest('B')), await get('/a', guest('A'))]
      assert.deepEqual(
        bodies.map(({ body }) => body),
        ['run 2', 'run 1'],
      )
    })

    it('stores private answers and conversations of a user for that user alone', async () => {
      const { get } = await counting(framework, {
        cache: { scope: 'user' },
        memory: true,
        async handle(run) {
          await run.remember()
          run.set('Cache-Control', 'private, max-age=60')
          run.send(200, `${run.headers['x-user']} ${run.number}`)
        },
      })
      const [a, b] = [of('x-user', 'a', of('authorization', 'x')), of('x-user', 'b')]
      const bodies = [
        await get('/a', a),
        await get('/a', b),
        await get('/a', a),
        await get('/a', b),
      ]
      assert.deepEqual(
        bodies.map(({ body }) => body),
        ['a 1', 'b 2', 'a 1', 'b 2'],
      )
    })
  })
}
