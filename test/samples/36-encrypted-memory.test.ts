import { deepEqual, equal } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import express from 'express'
import type { EncryptionKey, Store } from 'memoryware'
import { it } from 'mocha'
import { encryptedMemory, keysFrom } from '../../examples/samples/36-encrypted-memory.ts'
import { listen } from '../support/apps.ts'
import { onEachProvider } from './on-each.ts'

const old = `2026-01:${randomBytes(32).toString('base64')}`
const current = `2026-02:${randomBytes(32).toString('base64')}`

/** A user's session, with these keys: what was said before, once more was said. */
async function said(store: Store, keys: readonly EncryptionKey[], content: string) {
  const app = express().use(
    (req, _res, next) => {
      Object.assign(req, { user: { id: 'ann' } })
      next()
    },
    encryptedMemory(store, keys),
  )
  app.set('env', 'test').use(async (req, res) => {
    await req.memory.append({ role: 'user', content })
    const { items } = await req.memory.history()
    res.json(items.map((message) => message.content))
  })
  const { url, close } = await listen(app)
  const response = await fetch(url)
  await close()
  return response.status === 200 ? response.json() : response.status
}

onEachProvider('36-encrypted-memory', ({ store: empty }) => {
  it('reads what older keys have encrypted, and nothing without them', async () => {
    const store = await empty()
    deepEqual(await said(store, keysFrom(old), 'one'), ['one'])
    deepEqual(await said(store, keysFrom(`${current}, ${old}`), 'two'), ['one', 'two'])
    equal(await said(store, keysFrom(current), 'three'), 503)
  })
})
