import { type Ask, differing, type LeakCase } from '../leak-case.ts'

const everybody = ['apicache', 'route-cache', 'koa-cash', 'naive'] as const

const paths = (...all: string[]): readonly Ask[] => all.map((path) => [path])

/** Where a request goes. */
export const targets: readonly LeakCase[] = [
  {
    says: 'an answer of another host',
    asks: differing('host', 'a.test', 'b.test'),
    leaksIn: everybody,
  },
  {
    says: 'an answer of another port',
    asks: differing('host', 'a.test:1', 'a.test:2'),
    leaksIn: everybody,
  },
  {
    says: 'an answer of another host behind a trusted proxy',
    asks: differing('x-forwarded-host', 'a.test', 'b.test'),
    plan: { trustProxy: true },
    leaksIn: everybody,
  },
  {
    says: 'an answer of the host that an untrusted client claims to be behind',
    asks: [
      ['/a', { headers: { host: 'a.test', 'x-forwarded-host': 'b.test' } }],
      ['/a', { headers: { host: 'b.test' } }],
    ],
    leaksIn: everybody,
  },
  {
    says: 'an answer of another scheme',
    asks: differing('x-forwarded-proto', 'http', 'https'),
    plan: { trustProxy: true },
    leaksIn: everybody,
  },
  {
    says: 'an answer to another parameter',
    asks: paths('/a?q=1', '/a?q=2', '/a'),
    leaksIn: ['naive'],
  },
  {
    says: 'an answer to the same parameter in another case',
    asks: paths('/a?q=a', '/a?Q=a', '/a?q=A'),
    leaksIn: ['naive'],
  },
  {
    says: 'an answer to a list in another order',
    asks: paths('/a?q=1&q=2', '/a?q=2&q=1'),
    leaksIn: ['naive'],
  },
  {
    says: 'an answer to a parameter that is part of a value',
    asks: paths('/a?q=1%26p=2', '/a?q=1&p=2'),
    leaksIn: ['naive'],
  },
  { says: 'an answer with a trailing slash', asks: paths('/a', '/a/'), leaksIn: ['naive'] },
  { says: 'an answer of a path in another case', asks: paths('/a', '/A'), leaksIn: ['naive'] },
  {
    says: 'an answer of a path with an encoded slash, space or question mark',
    asks: paths('/a/b', '/a%2Fb', '/a%20b', '/a+b', '/a%3Fq', '/a?q'),
    leaksIn: ['naive'],
  },
  {
    says: 'an answer of a path with a slash more',
    asks: paths('/a/b', '/a//b', '//a/b'),
    leaksIn: ['naive'],
  },
  {
    says: 'an answer of another mount with the same path inside',
    asks: paths('/one/list', '/two/list'),
    plan: {
      express: {
        before: [
          (req, _res, next) => {
            req.url = withoutMount(req.url)
            next()
          },
        ],
      },
      koa: {
        before: [
          async (ctx, next) => {
            ctx.path = withoutMount(ctx.path)
            await next()
          },
        ],
      },
    },
    leaksIn: ['koa-cash', 'naive'],
  },
]

/** What Express's routers and what mounts on Koa do to a path. */
function withoutMount(path: string): string {
  return path.replace(/^\/[0-9]+\/(?:one|two)/, '')
}
