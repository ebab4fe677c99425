import { type Aside, of, type Pair, pairs } from './pairs.ts'
import type { Plan, Run } from './site.ts'

const vary = (names: string): Partial<Plan> => ({
  handle: (run: Run) => {
    run.set('Vary', names)
    run.send(200, `run ${run.number}`)
  },
})

const apart: readonly Pair[] = [
  { says: 'paths', one: ['/a'], other: ['/A'] },
  { says: 'queries', one: ['/a?q=1'], other: ['/a?q=2'] },
  { says: 'the order of a query', one: ['/a?q=1&q=2'], other: ['/a?q=2&q=1'] },
  { says: 'encodings of a query', one: ['/a?q=%41'], other: ['/a?q=A'] },
  { says: 'a path and a query of the same bytes', one: ['/a%3Fq=1'], other: ['/a?q=1'] },
  { says: 'an empty query and none', one: ['/a?'], other: ['/a'] },
  { says: 'hosts', one: ['/a', of('host', 'a.test')], other: ['/a', of('host', 'b.test')] },
  {
    says: 'schemes',
    one: ['/a', of('x-forwarded-proto', 'https')],
    other: ['/a', of('x-forwarded-proto', 'http')],
    plan: { trustProxy: true },
  },
  {
    says: 'hosts behind a trusted proxy',
    one: ['/a', of('x-forwarded-host', 'a.test')],
    other: ['/a', of('x-forwarded-host', 'b.test')],
    plan: { trustProxy: true },
  },
  {
    says: 'fields named by Vary',
    one: ['/a', of('accept', 'x/a')],
    other: ['/a', of('accept', 'x/b')],
    plan: vary('Accept'),
  },
  {
    says: 'a field named by Vary and none',
    one: ['/a', of('x-b', '')],
    other: ['/a'],
    plan: vary('X-B'),
  },
  {
    says: 'what is refused with q=0',
    one: ['/a', of('accept-encoding', '*')],
    other: ['/a', of('accept-encoding', '*, gzip;q=0')],
    plan: vary('Accept-Encoding'),
  },
  {
    says: 'fields named by Vary as an object inherits them',
    one: ['/a', of('constructor', 'a')],
    other: ['/a', of('constructor', 'b')],
    plan: vary('constructor'),
  },
  {
    says: 'fields in the key',
    one: ['/a', of('x-b', '1')],
    other: ['/a', of('x-b', '2')],
    plan: { cache: { ttl: 60, key: { headers: ['X-B'] } } },
  },
  {
    says: 'a listed parameter',
    one: ['/a?q=1&u=1'],
    other: ['/a?q=2&u=1'],
    plan: { cache: { ttl: 60, key: { query: ['q'] } } },
  },
  {
    says: 'a listed parameter, encoded',
    one: ['/a?%71=1'],
    other: ['/a?%71=2'],
    plan: { cache: { ttl: 60, key: { query: ['q'] } } },
  },
  {
    says: 'a listed parameter with brackets',
    one: ['/a?q[x]=1'],
    other: ['/a?q%5Bx%5D=2'],
    plan: { cache: { ttl: 60, key: { query: ['q'] } } },
  },
  {
    says: 'a listed parameter in brackets',
    one: ['/a?[q]=1'],
    other: ['/a?[q]=2'],
    plan: { cache: { ttl: 60, key: { query: ['q'] } } },
  },
  {
    says: 'a listed parameter given twice',
    one: ['/a?q=1&q=2'],
    other: ['/a?q=1'],
    plan: { cache: { ttl: 60, key: { query: ['q'] } } },
  },
  {
    says: 'a separator inside a listed value',
    one: ['/a?q=1%26p=2'],
    other: ['/a?q=1&p=2'],
    plan: { cache: { ttl: 60, key: { query: ['q', 'p'] } } },
  },
  {
    says: 'what is not ignored',
    one: ['/a?u=1'],
    other: ['/a?u=2'],
    plan: { cache: { ttl: 60, key: { query: { ignore: ['v'] } } } },
  },
  {
    says: 'own parts',
    one: ['/a', of('x-b', '1')],
    other: ['/a', of('x-b', '2')],
    plan: { cache: { ttl: 60, key: { extra: (n) => n.get('x-b') ?? null } } },
  },
]

const alike: readonly Pair[] = [
  {
    says: 'letters of a host',
    one: ['/a', of('host', 'A.test')],
    other: ['/a', of('host', 'a.TEST')],
  },
  {
    says: 'unlisted parameters',
    one: ['/a?u=1&q=1'],
    other: ['/a?q=1&u=2'],
    plan: { cache: { ttl: 60, key: { query: ['q'] } } },
  },
  {
    says: 'ignored parameters',
    one: ['/a?utm=1&q=1'],
    other: ['/a?q=1'],
    plan: { cache: { ttl: 60, key: { query: { ignore: ['utm'] } } } },
  },
  {
    says: 'white space in a list',
    one: ['/a', of('accept', 'a/b;q=0.5, c/d')],
    other: ['/a', of('accept', 'a/b ; q=0.5 ,c/d')],
    plan: vary('Accept'),
  },
  {
    says: 'X-Forwarded-Host of an untrusted client',
    one: ['/a', of('x-forwarded-host', 'a.test')],
    other: ['/a'],
  },
]

const aside: readonly Aside[] = [
  ['no own part', 'key', {}, { ttl: 60, key: { extra: () => null } }],
  ['when says no', 'when', {}, { ttl: 60, when: () => false }],
  ['the client says no-store', 'no-store', of('cache-control', 'no-store')],
  ['a GET with a body', 'body', { headers: { 'content-length': '1' }, body: 'x' }],
]

pairs('what chooses the answer', { apart, alike, aside })
