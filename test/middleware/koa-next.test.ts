import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa, { type Next } from 'koa'
import { describe, it } from 'mocha'
import { createStore } from '../../lib/index.ts'
import { sessionMemory } from '../../middleware/koa.ts'

/** A promise of another library's: it has a `then`, and comes later. */
function foreign(after: () => void): PromiseLike<void> {
  const later = new Promise<void>((resolve) => setTimeout(resolve, 20)).then(after)
  // biome-ignore lint/suspicious/noThenProperty: that is what is tested.
  return { then: (...given: Parameters<Promise<void>['then']>) => later.then(...given) } as never
}

describe('a middleware on koa that is called by somebody else', () => {
  it('waits for whatever kind of promise the rest of the chain gives', async () => {
    const memory = sessionMemory({ store: createStore() })
    const app = new Koa().use(async (ctx) => {
      const answer = () => {
        ctx.body = 'done'
      }
      await memory(ctx, (() => foreign(answer)) as unknown as Next)
      ctx.body = ctx.body ?? 'too early'
    })
    const server = createServer(app.callback()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const { port } = server.address() as AddressInfo
      assert.equal(await (await fetch(`http://127.0.0.1:${port}`)).text(), 'done')
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})
