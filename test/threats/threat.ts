import { after, afterEach, before, beforeEach, describe } from 'mocha'
import type { Store } from '../../lib/index.ts'
import {
  type App,
  type Exchange,
  type Framework,
  frameworks,
  type Mounts,
} from '../support/apps.ts'
import { bothProviders } from '../support/stores.ts'

/** Where a threat is tried: one framework over one provider. */
export interface Place {
  readonly framework: Framework
  readonly provider: string
  /** With nothing in it before each test. */
  readonly store: Store
  /** Serves an app until the test is over. */
  serve(mounts: Mounts, handle: (exchange: Exchange) => unknown): Promise<App>
  /** Closes what a test has opened, when it is over. */
  closing<T extends { close(): unknown }>(opened: T): T
}

/** Tests of one threat, on both frameworks over both providers, or over one where it is all the same. */
export function threat(
  name: string,
  tests: (place: Place) => void,
  over?: 'embedded' | 'redis',
): void {
  for (const stores of bothProviders()) {
    if (over !== undefined && over !== stores.name) continue
    for (const framework of frameworks) {
      describe(`threat: ${name} (${framework.name}, ${stores.name})`, () => {
        const opened: { close(): unknown }[] = []
        let store: Store | undefined

        before(() => stores.start())
        beforeEach(async () => {
          store = await stores.empty()
        })
        afterEach(async () => {
          for (const each of opened.splice(0).reverse()) await each.close()
        })
        after(() => stores.stop())

        const place: Place = {
          framework,
          provider: stores.name,
          get store() {
            if (store === undefined) throw new Error('There is no store before a test')
            return store
          },
          serve: async (mounts, handle) => place.closing(await framework.serve(mounts, handle)),
          closing(each) {
            opened.push(each)
            return each
          },
        }
        tests(place)
      })
    }
  }
}

/** A browser: what it is told to keep it sends along. */
export interface Browser {
  readonly cookies: Map<string, string>
  /** Asks; of `Set-Cookie` it heeds name, value and an end. */
  ask(path: string, init?: RequestInit): Promise<Response>
}

/** A browser that has not been here before. */
export function browser(app: App): Browser {
  const cookies = new Map<string, string>()
  return {
    cookies,
    async ask(path, init = {}) {
      const headers = new Headers(init.headers)
      const cookie = [...cookies].map((pair) => pair.join('=')).join('; ')
      if (cookie !== '' && !headers.has('cookie')) headers.set('cookie', cookie)
      const response = await fetch(app.url + path, { ...init, headers })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (/Max-Age=0|Expires=Thu, 01 Jan 1970/.test(line)) cookies.delete(name)
        else cookies.set(name, value)
      }
      return response
    },
  }
}
