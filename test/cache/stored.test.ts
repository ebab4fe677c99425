import assert from 'node:assert/strict'
import { closeSites, fact, frameworks, open, type Plan, type Run, type Sent } from './site.ts'

interface Case {
  readonly says: string
  readonly handle: Plan['handle']
  readonly cache?: Plan['cache']
  readonly memory?: boolean
  readonly outer?: Plan['outer']
  readonly sent?: Sent
  readonly again?: Sent
  /** Why, as `Cache-Status` says it; none where the second request is answered from the cache. */
  readonly detail?: string
}

const answer =
  (fields: Record<string, string | string[]> = {}, status = 200) =>
  (run: Run) => {
    for (const [name, value] of Object.entries(fields)) run.set(name, value)
    run.send(status, `run ${run.number}`)
  }
const maxAge = (more = '') => answer({ 'Cache-Control': `max-age=60${more}` })
const cookie: Sent = { headers: { cookie: 'sid=1' } }
const guest: Sent = { headers: { cookie: 'memoryware.guest=AAAAAAAAAAAAAAAAAAAAAA' } }
const token: Sent = { headers: { authorization: 'Bearer 1' } }

const inAMinute = () => new Date(Date.now() + 60_000).toUTCString()

const kept: readonly Case[] = [
  { says: 'max-age', handle: maxAge() },
  { says: 'the ttl option', handle: answer(), cache: { ttl: '1m' } },
  { says: 'a ttl function', handle: answer(), cache: { ttl: ({ status }) => status / 10 } },
  { says: 'Expires', handle: (run) => answer({ Expires: inAMinute() })(run) },
  {
    says: 'a guess from Last-Modified',
    handle: answer({ 'Last-Modified': new Date(Date.now() - 86_400_000).toUTCString() }),
  },
  { says: 'CDN-Cache-Control', handle: answer({ 'CDN-Cache-Control': 'max-age=60' }) },
  {
    says: 'max-age that a 503 says of itself',
    handle: (run) => {
      run.raw.statusCode = 503
      run.raw.setHeader('Cache-Control', 'max-age=60').end(`run ${run.number}`)
    },
  },
  { says: 'a ttl on a 301', handle: answer({ Location: '/b' }, 301), cache: { ttl: 60 } },
  { says: 'public for Authorization', handle: maxAge(', public'), sent: token },
  { says: 'max-age, to a request with a cookie', handle: maxAge(), again: cookie },
  { says: 'max-age, to a request with Authorization', handle: maxAge(), again: token },
  { says: 'a ttl, to our own guests', handle: answer(), cache: { ttl: 60 }, again: guest },
  {
    says: 'a ttl with cookies where the scope is public',
    handle: answer(),
    sent: cookie,
    cache: { ttl: 60, scope: 'public' },
  },
  {
    says: 'mode app over max-age=0',
    handle: answer({ 'Cache-Control': 'max-age=0' }),
    cache: { ttl: 60, mode: 'app' },
  },
  {
    says: 'mode app, whatever the client asks',
    handle: answer(),
    cache: { ttl: 60, mode: 'app' },
    again: { headers: { 'cache-control': 'no-cache' } },
  },
]

const refused: readonly Case[] = [
  { says: 'nothing says how long', handle: answer(), detail: 'stale' },
  { says: 'private', handle: maxAge(', private'), detail: 'private' },
  { says: 'Private in other letters', handle: maxAge(', PriVate="x"'), detail: 'private' },
  {
    says: 'private in mode app',
    handle: maxAge(', private'),
    cache: { ttl: 60, mode: 'app' },
    detail: 'private',
  },
  { says: 'no-store', handle: maxAge(', No-Store'), detail: 'no-store' },
  {
    says: 'no-store in mode app',
    handle: maxAge(', no-store'),
    cache: { ttl: 60, mode: 'app' },
    detail: 'no-store',
  },
  {
    says: 'no-store of an outer middleware',
    outer: () => ({ 'Cache-Control': 'no-store' }),
    handle: answer(),
    cache: { ttl: 60 },
    detail: 'no-store',
  },
  { says: 'no-cache', handle: maxAge(', no-cache'), detail: 'no-cache' },
  {
    says: 'Set-Cookie',
    handle: answer({ 'Cache-Control': 'max-age=60', 'Set-Cookie': 'a=1' }),
    detail: 'set-cookie',
  },
  {
    says: 'Vary: *',
    handle: answer({ 'Cache-Control': 'max-age=60', Vary: 'Accept, *' }),
    detail: 'vary',
  },
  { says: 'Authorization', handle: maxAge(), sent: token, detail: 'authorization' },
  {
    says: 'a ttl and Authorization',
    handle: answer(),
    cache: { ttl: 60 },
    sent: token,
    detail: 'authorization',
  },
  {
    says: 'a ttl and a cookie',
    handle: answer(),
    cache: { ttl: 60 },
    sent: cookie,
    detail: 'cookie',
  },
  {
    says: 'a cookie beside ours',
    handle: answer(),
    cache: { ttl: 60 },
    sent: { headers: { cookie: 'memoryware.guest=x; a=1' } },
    detail: 'cookie',
  },
  {
    says: 'a ttl kept, and then asked with a cookie',
    handle: answer(),
    cache: { ttl: 60 },
    sent: {},
    again: cookie,
    detail: 'cookie',
  },
  { says: 'a ttl on a 404', handle: answer({}, 404), cache: { ttl: 60 }, detail: 'status' },
  { says: 'a ttl on a 500', handle: answer({}, 500), cache: { ttl: 60 }, detail: 'status' },
  {
    says: '206',
    handle: answer({ 'Cache-Control': 'max-age=60', 'Content-Range': 'bytes 0-4/9' }, 206),
    detail: 'status',
  },
  {
    says: 'an old Date',
    handle: answer({ 'Cache-Control': 'max-age=60', Date: new Date(0).toUTCString() }),
    detail: 'stale',
  },
  {
    says: 'max-age that is no number',
    handle: answer({ 'Cache-Control': 'max-age=6O' }),
    cache: { ttl: 60 },
    detail: 'stale',
  },
  {
    says: 'max-age twice, unlike',
    handle: answer({ 'Cache-Control': ['max-age=60', 'max-age=90'] }),
    detail: 'stale',
  },
  { says: 'a handler that declines', handle: declines, cache: { ttl: 60 }, detail: 'handler' },
  {
    says: 'a handler that read the conversation',
    memory: true,
    handle: remembers,
    sent: guest,
    cache: { ttl: 60 },
    detail: 'memory',
  },
  {
    says: 'a conversation, where the scope is public',
    memory: true,
    handle: remembers,
    sent: guest,
    cache: { ttl: 60, scope: 'public' },
    detail: 'memory',
  },
  { says: 'a body above maxEntry', handle: maxAge(), cache: { maxEntry: 4 }, detail: 'size' },
  { says: 'a ttl function that fails', handle: answer(), cache: { ttl: fails }, detail: 'stale' },
  {
    says: 'a method that is not listed',
    handle: maxAge(),
    sent: { method: 'POST' },
    again: { method: 'POST' },
    detail: '',
  },
]

function declines(run: Run): void {
  run.cache.noStore()
  run.send(200, `run ${run.number}`)
}

async function remembers(run: Run): Promise<void> {
  await run.remember()
  run.send(200, `run ${run.number}`)
}

function fails(): never {
  throw new Error('no ttl')
}

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: what is stored`, () => {
    afterEach(closeSites)

    for (const { says, sent, again = sent, ...plan } of kept) {
      it(`answers again by ${says}`, async () => {
        const site = await open(framework, { cache: {}, ...plan })
        const first = await site.get('/a', sent)
        const second = await site.get('/a', again)
        assert.equal(fact(first), 'memoryware; fwd=miss; stored')
        assert.match(fact(second), /^memoryware; hit; ttl=\d+$/)
        assert.deepEqual([second.status, second.body, site.runs], [first.status, first.body, 1])
      })
    }

    it('answers by what may be used stale, and was stale when it came in', async () => {
      const late = (run: Run) =>
        answer({
          Date: new Date(Date.now() - 2000).toUTCString(),
          'Cache-Control': 'max-age=1, stale-while-revalidate=60',
        })(run)
      const site = await open(framework, { cache: {}, handle: late })
      assert.equal(fact(await site.get('/a')), 'memoryware; fwd=miss; stored')
      const second = await site.get('/a')
      assert.match(fact(second), /^memoryware; hit; ttl=-\d+/)
      assert.equal(second.body, 'run 1')
    })

    for (const { says, sent, again = sent, detail, ...plan } of refused) {
      it(`runs the handler again: ${says}`, async () => {
        const site = await open(framework, { cache: {}, ...plan })
        await site.get('/a', sent)
        const second = await site.get('/a', again)
        assert.deepEqual([second.body, site.runs], ['run 2', 2])
        const bypassed = detail === 'cookie' || (detail === 'authorization' && plan.cache)
        if (detail) assert.match(fact(second), new RegExp(`; detail=${detail}$`))
        if (bypassed) assert.match(fact(second), /fwd=bypass/)
      })
    }
  })
}
