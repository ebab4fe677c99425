import assert from 'node:assert/strict'
import { request } from 'node:http'
import express, { type RequestHandler } from 'express'
import Koa, { type Middleware } from 'koa'
import { after, before, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type App, type Framework, frameworks, listen } from '../support/apps.ts'

/** An app that is nothing but these routes. */
function serveRoutes(framework: Framework, store: Store): Promise<App> {
  const routes = framework.routes({ store })
  if (framework.name === 'express') return listen(express().use(routes as RequestHandler))
  const app = new Koa()
  app.silent = true
  return listen(app.use(routes as Middleware).callback())
}

/** The status for a path that no `fetch()` would send. */
function statusOf(url: string, path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
    asked.once('error', reject).end()
  })
}

for (const framework of frameworks) {
  describe(`hostile requests to routes on ${framework.name}`, () => {
    let store: Store
    let app: App

    before(async () => {
      store = createStore({ provider: 'embedded' })
      app = await serveRoutes(framework, store)
    })
    after(async () => {
      await app.close()
      await store.close()
    })

    it('with a path that is no URL are refused, and no failure', async () => {
      const paths = ['//', '/\\', '/x/messages?limit=%', '/[', 'http://a:99999/x', 'http://[::/x']
      for (const path of paths)
        assert.ok([400, 404].includes((await statusOf(app.url, path)) ?? 0), path)
    })
  })
}
