import assert from 'node:assert/strict'
import type { Store } from '../../../lib/index.ts'
import { closeSites, frameworks, type Run } from '../../cache/site.ts'
import { eventually } from '../../support/eventually.ts'
import { bothProviders } from '../../support/stores.ts'
import { connected, type PaperSite, serve, twoStores } from './paper-site.ts'

/** Answers what is safe with its run, and the rest as told, with these fields. */
const changing =
  (status: number, fields: Readonly<Record<string, string>> = {}) =>
  (run: Run): void => {
    const safe = run.method === 'GET'
    const set = safe ? { 'Cache-Groups': '"one", "two"' } : fields
    for (const [name, value] of Object.entries(set)) run.set(name, value)
    if (safe) run.send(200, `run ${run.number}`)
    else run.send(status)
  }

const at = { host: 'x.test' }

/** True where the answer of a path is another one after the request than before it. */
async function changed(site: PaperSite, path: string, method: string, to: string) {
  const before = await site.get(path, { headers: at })
  const again = await site.get(path, { headers: at })
  assert.equal(again.body, before.body)
  await site.get(to, { method, headers: at })
  return (await site.get(path, { headers: at })).body !== before.body
}

const methods = ['POST', 'PUT', 'PATCH', 'DELETE', 'M-SEARCH']

interface Told {
  readonly says: string
  readonly fields: Readonly<Record<string, string>>
  readonly path: string
  readonly invalidates: boolean
}

const told: readonly Told[] = [
  {
    says: 'Location on this host',
    fields: { Location: 'http://x.test/b' },
    path: '/b',
    invalidates: true,
  },
  {
    says: 'Location without a host',
    fields: { Location: '/b?q=1' },
    path: '/b?q=1',
    invalidates: true,
  },
  {
    says: 'Content-Location on this host',
    fields: { 'Content-Location': 'http://x.test/b' },
    path: '/b',
    invalidates: true,
  },
  {
    says: 'Content-Location without a host',
    fields: { 'Content-Location': 'b' },
    path: '/b',
    invalidates: true,
  },
  {
    says: 'Location on another host',
    fields: { Location: 'http://y.test/b' },
    path: '/b',
    invalidates: false,
  },
  {
    says: 'Content-Location on another host',
    fields: { 'Content-Location': 'http://y.test/b' },
    path: '/b',
    invalidates: false,
  },
  {
    says: 'a Location that is none',
    fields: { Location: 'http://' },
    path: '/b',
    invalidates: false,
  },
  {
    says: 'Cache-Group-Invalidation with its group',
    fields: { 'Cache-Group-Invalidation': '"zero", "two"' },
    path: '/b',
    invalidates: true,
  },
  {
    says: 'Cache-Group-Invalidation with another group',
    fields: { 'Cache-Group-Invalidation': '"three", "On\\"e"' },
    path: '/b',
    invalidates: false,
  },
  {
    says: 'a Cache-Group-Invalidation that is no list of strings',
    fields: { 'Cache-Group-Invalidation': '"two' },
    path: '/b',
    invalidates: false,
  },
]

for (const provider of bothProviders()) {
  for (const framework of frameworks) {
    describe(`unsafe methods on ${framework} and ${provider.name}`, () => {
      before(provider.start)
      afterEach(closeSites)
      after(provider.stop)

      const open = async (handle: (run: Run) => unknown) =>
        serve(framework, {
          cache: { store: await connected(await provider.empty()), ttl: 60 },
          handle,
        })

      for (const method of methods) {
        it(`purge the address that a ${method} went to`, async () => {
          assert.equal(await changed(await open(changing(204)), '/a?q=1', method, '/a?q=1'), true)
        })
      }

      it('purge nothing else', async () => {
        assert.equal(await changed(await open(changing(204)), '/a', 'POST', '/b'), false)
      })

      for (const status of [400, 404, 500]) {
        it(`purge nothing where they end with ${status}`, async () => {
          assert.equal(await changed(await open(changing(status)), '/a', 'PUT', '/a'), false)
        })
      }

      for (const method of ['OPTIONS', 'HEAD']) {
        it(`are not ${method}`, async () => {
          assert.equal(await changed(await open(changing(200)), '/a', method, '/a'), false)
        })
      }

      for (const { says, fields, path, invalidates } of told) {
        it(`${invalidates ? 'purge' : 'do not purge'} what is named by ${says}`, async () => {
          const site = await open(changing(201, fields))
          assert.equal(await changed(site, path, 'POST', '/a'), invalidates)
        })
      }
    })
  }
}

for (const framework of frameworks) {
  describe(`unsafe methods on ${framework} and two processes`, () => {
    afterEach(closeSites)

    it('purge what the other has answered', async () => {
      const { stores, close } = await twoStores()
      const open = (store: Store) =>
        serve(framework, { cache: { store, ttl: 60 }, handle: changing(204) })
      const [one, other] = [await open(stores[0]), await open(stores[1])]
      await one.get('/a', { headers: at })
      await other.get('/a', { method: 'PUT', headers: at })
      await eventually('it is gone', async () => {
        await one.get('/a', { headers: at })
        return one.runs === 2 || undefined
      })
      await close()
    })
  })
}
