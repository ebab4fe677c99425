import { differing, type LeakCase, setting } from '../leak-case.ts'

const everybody = ['apicache', 'route-cache', 'koa-cash', 'naive'] as const

const fresh = setting({ 'Cache-Control': 'max-age=60' })

/** Who asks. */
export const askers: readonly LeakCase[] = [
  {
    says: 'an answer to other credentials',
    asks: differing('authorization', 'Bearer a', 'Bearer b'),
    leaksIn: everybody,
  },
  {
    says: 'an answer to credentials, without any',
    asks: [['/a', { headers: { authorization: 'Bearer a' } }], ['/a']],
    leaksIn: everybody,
  },
  {
    says: 'an answer to other credentials that says max-age',
    handle: fresh,
    asks: differing('authorization', 'Bearer a', 'Bearer b'),
    leaksIn: everybody,
  },
  {
    says: 'an answer to other credentials, in mode app',
    asks: differing('authorization', 'Bearer a', 'Bearer b'),
    plan: { cache: { ttl: 60, mode: 'app' } },
    leaksIn: everybody,
  },
  {
    says: 'an answer to another cookie',
    asks: differing('cookie', 'sid=a', 'sid=b'),
    leaksIn: everybody,
  },
  {
    says: 'an answer to a cookie, without any',
    asks: [['/a', { headers: { cookie: 'sid=a' } }], ['/a']],
    leaksIn: everybody,
  },
  {
    says: 'an answer that came of a conversation',
    async handle(run) {
      await run.remember()
      fresh(run)
    },
    asks: differing('cookie', guest('A'), guest('B')),
    plan: { memory: true },
    leaksIn: everybody,
  },
  ...['user', 'session'].flatMap((where) => [
    {
      says: `an answer to another ${where}`,
      asks: differing('x-key', 'a', 'b'),
      plan: signsIn(where),
      leaksIn: everybody,
    },
    {
      says: `an answer to a ${where}, to nobody`,
      asks: [...differing('x-key', undefined, 'a')].reverse(),
      plan: signsIn(where),
      leaksIn: everybody,
    },
    {
      says: `an answer to another ${where}, where the scope is the user`,
      handle: setting({ 'Cache-Control': 'private, max-age=60' }),
      asks: differing('x-key', 'a', 'b'),
      plan: { ...signsIn(where), cache: { ttl: 60, scope: 'user' as const } },
      leaksIn: everybody,
    },
  ]),
  {
    says: 'an answer to another user whom the option names',
    asks: differing('x-user', 'a', 'b'),
    leaksIn: everybody,
  },
  {
    says: 'an answer to another scope of the application',
    handle: setting({ 'Cache-Control': 'private, max-age=60' }),
    asks: differing('x-tenant', 'a', 'b'),
    plan: { cache: { ttl: 60, scope: (native) => native.get('x-tenant') ?? null } },
    leaksIn: everybody,
  },
]

function guest(letter: string): string {
  return `memoryware.guest=${letter.repeat(22)}`
}

/** A middleware before the cache that signs in whom a field names. */
function signsIn(where: string): NonNullable<LeakCase['plan']> {
  const told = (id: string) => (where === 'user' ? { user: { id } } : { session: { userId: id } })
  return {
    express: {
      before: [
        (req, _res, next) => {
          const key = req.get('x-key')
          if (key) Object.assign(req, told(key))
          next()
        },
      ],
    },
    koa: {
      before: [
        async (ctx, next) => {
          const key = ctx.get('x-key')
          if (key) Object.assign(where === 'user' ? ctx.state : ctx, told(key))
          await next()
        },
      ],
    },
  }
}
