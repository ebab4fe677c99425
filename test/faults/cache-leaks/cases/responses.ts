import { differing, type LeakCase, lastFails, ownText, setting } from '../leak-case.ts'

const everybody = ['apicache', 'route-cache', 'koa-cash', 'naive'] as const

/** What a response says of itself. */
export const responses: readonly LeakCase[] = [
  ...[
    'private',
    'private, max-age=60',
    'no-store',
    'no-store, max-age=60',
    'PRIVATE',
    'max-age=0',
    'no-cache',
    'max-age=60, private="x-own, no-store',
  ].map((line) => ({
    says: `an answer with Cache-Control: ${line}`,
    handle: setting({ 'Cache-Control': line }),
    leaksIn: everybody,
  })),
  ...['private, max-age=60', 'no-store'].map((line) => ({
    says: `an answer with Cache-Control: ${line}, in mode app`,
    handle: setting({ 'Cache-Control': line }),
    plan: { cache: { ttl: 60, mode: 'app' as const } },
    leaksIn: everybody,
  })),
  {
    says: 'an answer with CDN-Cache-Control: no-store',
    handle: setting({ 'CDN-Cache-Control': 'no-store', 'Cache-Control': 'max-age=60' }),
    leaksIn: everybody,
  },
  {
    says: 'an answer to which an outer middleware said no-store',
    plan: { outer: () => ({ 'Cache-Control': 'no-store' }) },
    leaksIn: everybody,
  },
  {
    says: 'an answer that sets a cookie',
    handle: (run) => setting({ 'Set-Cookie': `sid=${run.number}` })(run),
    leaksIn: everybody,
  },
  {
    says: 'an answer that sets a cookie and says max-age',
    handle: (run) =>
      setting({ 'Set-Cookie': `sid=${run.number}`, 'Cache-Control': 'public, max-age=60' })(run),
    leaksIn: everybody,
  },
  {
    says: 'a cookie that was set for somebody else',
    handle: (run) =>
      setting({ 'Set-Cookie': `sid=${run.number}`, 'Cache-Control': 'max-age=60' })(run),
    leaked: ([first, second]) =>
      first === undefined ||
      second === undefined ||
      typeof first === 'string' ||
      typeof second === 'string' ||
      String(first.headers['set-cookie']) === String(second.headers['set-cookie']),
    leaksIn: ['apicache', 'naive'],
  },
  {
    says: 'an answer with Vary: *',
    handle: setting({ Vary: '*' }),
    leaksIn: everybody,
  },
  ...[
    'Accept',
    'Accept-Charset',
    'Accept-Encoding',
    'Accept-Language',
    'Accept-Datetime',
    'Origin',
    'User-Agent',
    'X-Own',
  ].map((name) => ({
    says: `an answer that varies by ${name}`,
    handle: setting({ Vary: name, 'Cache-Control': 'max-age=60' }),
    asks: differing(name, 'en', 'xx'),
    leaksIn: everybody,
  })),
  {
    says: 'an answer that varies by a field the second does not send',
    handle: setting({ Vary: 'X-Own' }),
    asks: [['/a', { headers: { 'x-own': 'a' } }], ['/a']],
    leaksIn: everybody,
  },
  {
    says: 'an answer that varies by two fields',
    handle: setting({ Vary: 'Accept-Language, X-Own' }),
    asks: [
      ['/a', { headers: { 'accept-language': 'de', 'x-own': 'a' } }],
      ['/a', { headers: { 'accept-language': 'de', 'x-own': 'b' } }],
      ['/a', { headers: { 'accept-language': 'fr', 'x-own': 'a' } }],
    ],
    leaksIn: everybody,
  },
  {
    says: 'a variant that was told of only later',
    handle: (run) => setting(run.number === 1 ? { Vary: 'Accept' } : { Vary: 'X-Own' })(run),
    asks: [
      ['/a', { headers: { accept: 'x/a', 'x-own': 'a' } }],
      ['/a', { headers: { accept: 'x/b', 'x-own': 'b' } }],
      ['/a', { headers: { accept: 'x/b', 'x-own': 'c' } }],
    ],
    leaksIn: everybody,
  },
  ...[400, 401, 403, 404, 429, 500, 502, 503, 504].map((status) => ({
    says: `a ${status} of a moment`,
    handle: (run: Parameters<typeof ownText>[0]) =>
      run.send(run.number === 1 ? status : 200, `run ${run.number}`),
    leaked: lastFails(({ status: last }) => last === 200),
    leaksIn: ['apicache', 'naive'] as const,
  })),
  {
    says: 'what an error handler made of a throw',
    handle(run) {
      if (run.number === 1) throw new Error('of a moment')
      ownText(run)
    },
    leaked: lastFails(({ status }) => status === 200),
    leaksIn: ['apicache', 'naive'],
  },
  {
    says: 'the request id, limits and cookies that outer middlewares gave to somebody else',
    handle: setting({ 'Cache-Control': 'max-age=60' }),
    plan: { outer: outerFields() },
    leaked: ([, second]) =>
      typeof second !== 'object' ||
      second.headers['x-request-id'] !== '2' ||
      second.headers['ratelimit'] !== '"a";r=2' ||
      String(second.headers['set-cookie']) !== 'outer=2',
    leaksIn: ['apicache', 'naive'],
  },
]

/** Other ones each time; counted anew for each of the sites that a case is tried on. */
function outerFields(): () => Record<string, string> {
  let count = 0
  return () => {
    count = (count % 2) + 1
    return {
      'X-Request-Id': `${count}`,
      RateLimit: `"a";r=${count}`,
      'Set-Cookie': `outer=${count}`,
    }
  }
}
