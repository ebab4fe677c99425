import { deepEqual, equal } from 'node:assert/strict'
import { it } from 'mocha'
import { signInApp } from '../../examples/samples/35-guest-signs-in.ts'
import { listen } from '../support/apps.ts'
import { onEachProvider } from './on-each.ts'

/** A browser that keeps the cookies it is given, and drops those that are taken back. */
function browser(url: string) {
  const cookies = new Map<string, string>()
  return async (method: string, path: string, body?: object) => {
    const cookie = [...cookies].map((each) => each.join('=')).join('; ')
    const headers = { cookie, 'content-type': 'application/json' }
    const said = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(url + path, { method, headers, ...said })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/Max-Age=0|Expires=Thu, 01 Jan 1970/.test(line)) cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }
}

const check = async (name: string, password: string) =>
  password === 'right' ? `id of ${name}` : undefined

onEachProvider('35-guest-signs-in', ({ store }) => {
  it('moves what a guest has said to who signs in, once', async () => {
    const { url, close } = await listen(signInApp(await store(), 'secret', check))
    const ask = browser(url)
    await ask('POST', '/chats/tea/notes', { text: 'as a guest' })
    const login = { name: 'ann', password: 'right' }
    deepEqual(await (await ask('POST', '/login', login)).json(), { claimed: 1 })
    await ask('POST', '/chats/tea/notes', { text: 'as ann' })
    const { items } = (await (await ask('GET', '/chats/tea/messages')).json()) as {
      items: { content: string }[]
    }
    deepEqual(
      items.map(({ content }) => content),
      ['as a guest', 'as ann'],
    )
    deepEqual(await (await ask('POST', '/login', login)).json(), { claimed: 0 })
    const { items: elsewhere } = (await (await browser(url)('GET', '/chats')).json()) as {
      items: unknown[]
    }
    deepEqual(elsewhere, [])
    await close()
  })

  it('lets nobody in with a wrong password', async () => {
    const { url, close } = await listen(signInApp(await store(), 'secret', check))
    equal((await browser(url)('POST', '/login', { name: 'ann', password: 'no' })).status, 401)
    await close()
  })
})
