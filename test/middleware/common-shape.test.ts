import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import express, { type Request } from 'express'
import { describe, it } from 'mocha'
import { createStore } from '../../lib/index.ts'
import { giveCommonShape } from '../../middleware/common-shape.ts'
import { rateLimit } from '../../middleware/express.ts'
import { root } from '../support/source-files.ts'

/** Asks V8 of the requests and responses of two requests at once, behind what is mounted. */
const program = `
  import { once } from 'node:events'
  import { createServer, get } from 'node:http'
  const [mounted] = process.argv.slice(1)
  const { rateLimit } = await import('./middleware/express.ts')
  const { default: express } = await import('express')
  const app = mounted === 'plain' ? undefined : express()
  if (mounted === 'ours') app.use(rateLimit({ limit: 1000, window: '1m', key: 'ip' }))
  const ours = rateLimit({ limit: 1000, window: '1m', key: 'ip' })
  let first
  let asked = 0
  function compare(req, res) {
    asked += 1
    // V8 settles how large they are while it makes the first few.
    if (asked < 100) return void res.end()
    const second = { req, res }
    if (first === undefined) return (first = second)
    console.log('shared', %HaveSameMap(first.req, req) && %HaveSameMap(first.res, res))
    console.log('fast', %HasFastProperties(req) && %HasFastProperties(res))
    process.exit()
  }
  app?.get('/', compare)
  const server = createServer(app ?? ((req, res) => ours(req, res, () => compare(req, res))))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = 'http://127.0.0.1:' + server.address().port
  for (let count = 1; count < 100; count += 1)
    await new Promise((resolve) => get(url, (res) => res.resume().once('end', resolve)))
  for (let count = 0; count < 2; count += 1) get(url).on('error', () => {})
`

function askV8(mounted: 'nothing' | 'ours' | 'plain'): { shared: boolean; fast: boolean } {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      ...['--allow-natives-syntax', '--import', 'tsx', '--input-type=module'],
      ...['--eval', program, '--', mounted],
    ],
    { cwd: root, encoding: 'utf8' },
  )
  const found = /^shared (true|false)\nfast (true|false)$/m.exec(stdout)
  assert.ok(found, stderr)
  return { shared: found[1] === 'true', fast: found[2] === 'true' }
}

const v8 = Number.parseInt(process.versions.v8, 10)

describe('hidden classes of requests', () => {
  it('are not shared on Express by itself before V8 13', () =>
    assert.equal(askV8('nothing').shared, v8 >= 13))

  it('are shared on Express behind a middleware of ours', () => {
    // V8 looks for the class of a dictionary in one of 64 places, by a number that is drawn for each
    // process: where those of requests and responses meet, each takes the place of the other. One
    // process in thirty does so; five in a row do not.
    const shared = Array.from({ length: 5 }).some(() => askV8('ours').shared)
    assert.equal(shared, true)
  })

  it('stay those of plain requests', () =>
    assert.deepEqual(askV8('plain'), { shared: true, fast: true }))
})

describe('a request that gets a class in common with others', () => {
  it('has the same properties as before', async () => {
    const store = createStore({ provider: 'embedded' })
    const app = express()
    app.use((req, res, next) => {
      Object.assign(req, { before: listed(req) })
      req.setMaxListeners(77)
      res.setMaxListeners(78)
      next()
    })
    app.use(rateLimit({ store, limit: 1000, window: '1m', key: 'ip' }))
    app.use((req: Request & { before?: readonly string[] }, res) => {
      const added = listed(req).filter((each) => !req.before?.includes(each))
      const gone = req.before?.filter((each) => !listed(req).includes(each))
      res.json({ added, gone, listeners: [req.getMaxListeners(), res.getMaxListeners()] })
    })
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const told = await (await fetch(`http://127.0.0.1:${port}/`)).json()
    server.close()
    assert.deepEqual(told, { added: ['before'], gone: [], listeners: [77, 78] })
  })

  it('is left alone where that property cannot be deleted', () => {
    const { req, res } = replaced()
    Object.seal(req)
    const before = listed(req)
    giveCommonShape(req, res)
    assert.deepEqual(listed(req), before)
  })

  it('keeps a property that somebody has made his own', () => {
    const { req, res } = replaced()
    const own = { get: () => 5, configurable: true, enumerable: false }
    Object.defineProperty(req, '_maxListeners', own)
    giveCommonShape(req, res)
    const { get, enumerable } = Object.getOwnPropertyDescriptor(req, '_maxListeners') ?? {}
    assert.deepEqual({ get, enumerable }, { get: own.get, enumerable: false })
  })
})

function replaced(): { req: IncomingMessage; res: ServerResponse } {
  const req = new IncomingMessage(new Socket())
  const res = new ServerResponse(req)
  Object.setPrototypeOf(req, Object.create(IncomingMessage.prototype))
  Object.setPrototypeOf(res, Object.create(ServerResponse.prototype))
  return { req, res }
}

function listed(native: object): string[] {
  return Object.keys(native)
}
