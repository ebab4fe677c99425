import { createStore, type Store } from 'memoryware'

/** Where a Redis is. */
export interface Place {
  readonly host: string
  readonly port: number
}

/** Logs in with the password of the default user. */
export function withPassword({ host, port }: Place, password: string): Store {
  return createStore({ host, port, password, deadline: '1s' })
}

/** Logs in as a user of an ACL, who may do no more than this app needs, on keys of its own. */
export function asUser({ host, port }: Place, username: string, password: string): Store {
  return createStore({ host, port, username, password, prefix: 'shop:', deadline: '1s' })
}

/** The same as a URL, as it stands in REDIS_URL. */
export function byUrl({ host, port }: Place, username: string, password: string): Store {
  const login = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`
  return createStore({
    url: `redis://${login}@${host}:${port}/0`,
    prefix: 'shop:',
    deadline: '1s',
  })
}
