import type { RequestListener } from 'node:http'
import { listen } from '../support/apps.ts'

/** An app that a sample made, and a browser in front of it. */
export interface Served {
  /** Asks with the cookie the app has set, or as the user that a field X-User names. */
  ask(method: string, path: string, body?: unknown, user?: string): Promise<Response>
  /** The same, and reads the answer as JSON. */
  json<T = unknown>(method: string, path: string, body?: unknown, user?: string): Promise<T>
  close(): Promise<void>
}

/** Serves an app to one browser. */
export async function serve(app: RequestListener): Promise<Served> {
  const { url, close } = await listen(app)
  let cookie = ''
  async function ask(method: string, path: string, body?: unknown, user = ''): Promise<Response> {
    const headers = { 'content-type': 'application/json', 'x-user': user, cookie }
    const said = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(url + path, { method, headers, ...said })
    cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
    return response
  }
  return {
    ask,
    json: async <T>(method: string, path: string, body?: unknown, user?: string) =>
      (await (await ask(method, path, body, user)).json()) as T,
    close,
  }
}
