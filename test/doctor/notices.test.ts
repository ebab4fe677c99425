import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { run } from '../support/consumer.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { root } from '../support/source-files.ts'
import { connectBehind, startTcpProxy } from '../support/tcp-proxy.ts'

/** Runs a program in a process that has been told nothing yet, and gives the notices' codes. */
async function noticesOf(program: string): Promise<{ codes: string[]; said: string }> {
  const args = ['--import', 'tsx', '--input-type', 'module', '-e', program]
  const { code, stderr } = await run(process.execPath, args, root, 60_000)
  equal(code, 0, stderr)
  return {
    codes: [...stderr.matchAll(/\[(MEMORYWARE_\w+)\]/g)].map(([, name = '']) => name),
    said: stderr,
  }
}

const use = (urls: readonly string[]) => `
  import { createStore } from ${JSON.stringify(join(root, 'lib/index.ts'))}
  for (const url of ${JSON.stringify(urls)}) {
    const store = createStore({ url, deadline: '1s' })
    await store.get('a')
    await store.close()
  }`

describe('notices of what a doctor would find', function () {
  // Each starts a process, which compiles what it runs.
  this.timeout(60_000)
  let server: TestServer
  before(async () => {
    server = await startRedis({
      args: ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'],
    })
  })
  after(() => server.stop())

  it('name a policy that drops sessions and a Redis that is too old, once, at no cost', async () => {
    const quiet = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lfu'] })
    const old = await startTcpProxy(quiet, (client) => {
      const behind = connectBehind(client, quiet)
      client.pipe(behind)
      behind.on('data', (bytes: Buffer) => {
        const reply = bytes.toString('latin1').replace(/redis_version:\d/, 'redis_version:6')
        client.write(reply, 'latin1')
      })
    })
    const admin = server.client()
    await admin.config('RESETSTAT')
    // Where memory has no bound nothing is dropped: that one comes first, and says nothing.
    const { codes, said } = await noticesOf(use([quiet.url, server.url, server.url, old.url]))
    await old.close()
    await quiet.stop()
    deepEqual(codes, ['MEMORYWARE_EVICTION', 'MEMORYWARE_REDIS_VERSION'])
    match(said, /allkeys-lru.*maxmemory-policy noeviction/)
    match(said, /older than 7.*Upgrade/)
    // What the driver asks before it is ready, once a store, and nothing else.
    const commands = await admin.info('commandstats')
    match(commands, /cmdstat_info:calls=2,/)
    doesNotMatch(commands, /cmdstat_(config\|get|acl|eval|time)/)
  })

  it('name an application that lets anybody choose an address, at the first that counts', async () => {
    const { codes, said } = await noticesOf(`
      import { once } from 'node:events'
      import express from 'express'
      import Koa from 'koa'
      import * as onExpress from ${JSON.stringify(join(root, 'middleware/express.ts'))}
      import * as onKoa from ${JSON.stringify(join(root, 'middleware/koa.ts'))}
      import { createStore } from ${JSON.stringify(join(root, 'lib/index.ts'))}
      const limits = () => ({ store: createStore({ provider: 'embedded' }), limit: 10 })
      async function ask(listener, times) {
        const server = listener.listen(0)
        await once(server, 'listening')
        for (let time = 0; time < times; time += 1)
          await (await fetch('http://127.0.0.1:' + server.address().port)).text()
        server.close()
        server.closeAllConnections()
      }
      const answer = (req, res) => res.end()
      const koaAnswer = (ctx) => { ctx.body = 'a' }
      const user = () => 'ann'
      const trusting = () => express().set('trust proxy', true)
      await ask(trusting().use(onExpress.rateLimit({ ...limits(), user })).use(answer), 1)
      await ask(new Koa({ proxy: true }).use(onKoa.rateLimit({ ...limits(), user })).use(koaAnswer), 1)
      await ask(express().set('trust proxy', 1).use(onExpress.rateLimit(limits())).use(answer), 1)
      await ask(new Koa({ proxy: true, maxIpsCount: 1 }).use(onKoa.rateLimit(limits())).use(koaAnswer), 1)
      process.stderr.write('NOTHING YET\\n')
      await ask(trusting().use(onExpress.rateLimit(limits())).use(answer), 2)
      await ask(trusting().use(onExpress.rateLimit(limits())).use(answer), 2)
      await ask(new Koa({ proxy: true }).use(onKoa.rateLimit(limits())).use(koaAnswer), 2)
    `)
    deepEqual(codes, ['MEMORYWARE_TRUST_PROXY', 'MEMORYWARE_TRUST_PROXY'])
    match(said, /^NOTHING YET\n.*Express trusts every proxy.*app\.set\('trust proxy', 1\)/s)
    match(said, /Koa trusts every proxy.*maxIpsCount: 1/)
  })
})
