import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createSecureServer, get as secureGet } from 'node:https'
import type { AddressInfo } from 'node:net'
import express from 'express'
import Koa from 'koa'
import { it } from 'mocha'
import type { Store } from '../../lib/index.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import type { App } from '../support/apps.ts'
import { testCertificates } from '../support/certificates.ts'
import { browser, threat } from './threat.ts'

const secretOf = (line: string) => /^memoryware\.guest=([^;]*)/.exec(line)?.[1] ?? ''

/** An app that keeps what is said and tells what was; X-User signs in. */
function serve(place: Parameters<Parameters<typeof threat>[1]>[0], trustProxy = false) {
  const mounts = { memory: { store: place.store }, trustProxy }
  return place.serve(mounts, async ({ memory, query, send }) => {
    if (query.has('claim')) return send(200, `${await memory.sessions.claim()}`)
    const say = query.get('say')
    if (say !== null) await memory.append({ role: 'user', content: say })
    const { items } = await memory.history()
    send(200, items.map(({ content }) => content).join())
  })
}

async function cookieLine(app: App, headers: Record<string, string> = {}): Promise<string> {
  const [line = '', ...more] = (
    await fetch(`${app.url}/?say=hi`, { headers })
  ).headers.getSetCookie()
  assert.deepEqual(more, [])
  return line
}

threat('a guest cookie that a script or another site could use', (place) => {
  it('is HttpOnly, SameSite=Lax, of the whole path, and of no Domain', async () => {
    const line = await cookieLine(await serve(place))
    const [value = '', ...attributes] = line.split('; ')
    assert.match(value, /^memoryware\.guest=[A-Za-z0-9_-]{22}$/)
    assert.deepEqual(attributes.toSorted(), [
      'HttpOnly',
      'Max-Age=34560000',
      'Path=/',
      'SameSite=Lax',
    ])
  })

  it('is Secure behind a proxy that is trusted and says https, and behind no other', async () => {
    const https = { 'x-forwarded-proto': 'https' }
    assert.match(await cookieLine(await serve(place, true), https), /; Secure$/)
    assert.doesNotMatch(await cookieLine(await serve(place, true)), /Secure/)
    assert.doesNotMatch(await cookieLine(await serve(place, false), https), /Secure/)
  })

  it('is Secure on https', async () => {
    const { ca, server } = await testCertificates()
    const listener = listeners[place.framework.name](place.store)
    const secure = createSecureServer({ cert: server.cert, key: server.key }, listener)
    secure.listen(0, '127.0.0.1')
    await once(secure, 'listening')
    place.closing({ close: () => secure.close() && secure.closeAllConnections() })
    const { port } = secure.address() as AddressInfo
    const [answer] = await once(secureGet({ port, host: '127.0.0.1', ca: ca.cert }), 'response')
    answer.resume()
    assert.match(String(answer.headers['set-cookie']), /; HttpOnly; SameSite=Lax; .*; Secure$/)
  })

  it('is random, and stands nowhere in the store', async () => {
    const app = await serve(place)
    const lines = await Promise.all(Array.from({ length: 20 }, () => cookieLine(app)))
    const secrets = lines.map(secretOf)
    assert.equal(new Set(secrets).size, 20)
    const keys = (await place.store.keys('*')).join()
    for (const secret of secrets) assert.ok(!keys.includes(secret))
  })
})

const listeners = {
  express: (store: Store) =>
    express()
      .use(onExpress.sessionMemory({ store }))
      .use(async (req, res) => void res.json(await req.memory.history())),
  koa: (store: Store) =>
    new Koa()
      .use(onKoa.sessionMemory({ store }))
      .use(async (ctx) => {
        ctx.body = await ctx.memory.history()
      })
      .callback(),
}

const known = 'K'.repeat(22)

/** Cookie fields that hold no guest, though a sound secret may be among their letters. */
const forged: Readonly<Record<string, string>> = {
  'nothing at all': 'memoryware.guest=',
  'no value': 'memoryware.guest',
  'a letter too few': `memoryware.guest=${known.slice(1)}`,
  'a letter too many': `memoryware.guest=${known}K`,
  '10 kB': `memoryware.guest=${'K'.repeat(10_000)}`,
  'another alphabet': `memoryware.guest=${'+'.repeat(22)}`,
  'a letter beside it': `memoryware.guest=${known.slice(1)}*`,
  'letters that are no ASCII': `memoryware.guest=${'\u00e9'.repeat(22)}`,
  'quotation marks': `memoryware.guest="${known}"`,
  'percent codes': `memoryware.guest=%4B${known.slice(1)}`,
  'percent codes in its name': `memoryware%2Eguest=${known}`,
  'a value behind a value': `memoryware.guest=${known}=${known}`,
  'its name in capitals': `Memoryware.Guest=${known}`,
  'its name as part of another': `x-memoryware.guest=${known}`,
  'its name as the value of another': `x=memoryware.guest=${known}`,
  'a comma behind it': `memoryware.guest=${known},${known}`,
  'a name of an object': 'memoryware.guest=__proto__',
  'a name of an object of its length': `memoryware.guest=${'__proto__'.padEnd(22, '.')}`,
  'a glob': 'memoryware.guest=*',
  'a brace': `memoryware.guest={${known.slice(2)}}`,
  'a guest’s own key': 'memoryware.guest=~KKKKKKKKKKKKKKKKKKKKK',
  'a user’s id': 'memoryware.guest=ann',
  'many of them': Array.from({ length: 300 }, () => 'memoryware.guest=x').join('; '),
  'what is no cookie': ';;=;,;"; ; =x',
}

threat('a guest cookie that is forged or malformed', (place) => {
  it('is as none: never an error, never somebody, never a key', async () => {
    const app = await serve(place)
    const knows = { cookie: `memoryware.guest=${known}` }
    assert.equal(await (await fetch(`${app.url}/?say=K`, { headers: knows })).text(), 'K')
    const before = await place.store.keys('*')
    for (const [says, cookie] of Object.entries(forged)) {
      const answer = await fetch(app.url, { headers: { cookie } })
      assert.equal(answer.status, 200, says)
      assert.equal(await answer.text(), '', says)
      const [line = ''] = answer.headers.getSetCookie()
      assert.match(secretOf(line), /^[A-Za-z0-9_-]{22}$/, `${says}: a new one is given`)
    }
    assert.deepEqual((await place.store.keys('*')).toSorted(), before.toSorted())
  })

  it('does not shadow a sound one, wherever it stands', async () => {
    const app = await serve(place)
    const sound = `memoryware.guest=${known}`
    await fetch(`${app.url}/?say=K`, { headers: { cookie: sound } })
    for (const other of ['memoryware.guest=x', 'memoryware.guest=', 'memoryware.guest'])
      for (const cookie of [`${other}; ${sound}`, `${sound}; ${other}`, ` ${sound} ;${other}`]) {
        const answer = await fetch(app.url, { headers: { cookie } })
        assert.equal(await answer.text(), 'K', cookie)
      }
  })

  it('names no user, whatever it holds', async () => {
    const app = await serve(place)
    await fetch(`${app.url}/?say=secret`, { headers: { 'x-user': known } })
    const answer = await fetch(app.url, { headers: { cookie: `memoryware.guest=${known}` } })
    assert.equal(await answer.text(), '')
    const found = await fetch(app.url, { headers: { 'x-user': `~${known}` } })
    assert.equal(await found.text(), '')
  })

  it('guesses nobody: what was said in one is in no other', async () => {
    const app = await serve(place)
    const secret = secretOf(await cookieLine(app))
    for (let at = 0; at < secret.length; at += 1) {
      const guess = `${secret.slice(0, at)}${secret[at] === 'A' ? 'B' : 'A'}${secret.slice(at + 1)}`
      const cookie = `memoryware.guest=${guess}`
      assert.equal(await (await fetch(app.url, { headers: { cookie } })).text(), '', `${at}`)
    }
  })
})

threat('a session that was fixed before the login', (place) => {
  const ann = { 'x-user': 'ann' }

  it('reaches nothing afterwards: what the guest said is the user’s, and the cookie is taken back', async () => {
    const app = await serve(place)
    const victim = browser(app)
    // Whoever planted this cookie knows it.
    victim.cookies.set('memoryware.guest', known)
    await victim.ask('/?say=before')
    const claimed = await victim.ask('/?claim', { headers: ann })
    assert.equal(await claimed.text(), '1')
    assert.match(claimed.headers.getSetCookie().join(), /^memoryware\.guest=; .*Max-Age=0/)
    assert.equal(victim.cookies.size, 0)
    assert.equal(await (await victim.ask('/?say=after', { headers: ann })).text(), 'before,after')

    const planted = { cookie: `memoryware.guest=${known}` }
    assert.equal(await (await fetch(app.url, { headers: planted })).text(), '')
    const keys = await place.store.keys('session:{~*')
    assert.deepEqual(keys, [], 'of the guest nothing is left')
  })

  it('is another after the logout, and what is said then is not the attacker’s', async () => {
    const app = await serve(place)
    const victim = browser(app)
    victim.cookies.set('memoryware.guest', known)
    await victim.ask('/?say=before')
    await victim.ask('/?claim', { headers: ann })
    await victim.ask('/?say=signed+out')
    const fresh = victim.cookies.get('memoryware.guest')
    assert.ok(fresh !== undefined && fresh !== known)
    const planted = { cookie: `memoryware.guest=${known}` }
    assert.equal(await (await fetch(app.url, { headers: planted })).text(), '')
  })

  it('is claimed once: what the attacker says with it later comes to nobody', async () => {
    const app = await serve(place)
    const planted = { cookie: `memoryware.guest=${known}` }
    const victim = browser(app)
    victim.cookies.set('memoryware.guest', known)
    await victim.ask('/?say=before')
    await victim.ask('/?claim', { headers: ann })
    await fetch(`${app.url}/?say=planted`, { headers: planted })
    assert.equal(await (await victim.ask('/?claim', { headers: ann })).text(), '0')
    assert.equal(await (await victim.ask('/', { headers: ann })).text(), 'before')
  })
})
