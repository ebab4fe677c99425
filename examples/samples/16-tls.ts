import { configFromEnv, createStore, type Environment, type Store } from 'memoryware'

/** Speaks TLS with a server whose certificate this authority has signed; `ca` is PEM text. */
export function withAuthority(host: string, port: number, ca: string): Store {
  return createStore({ host, port, ca, deadline: '1s' })
}

/** The same by `REDIS_URL` and `REDIS_TLS_CA_FILE`, as `defaultStore()` reads them. */
export function fromEnvironment(environment: Environment): Store {
  const { url, ca } = configFromEnv(environment)
  return createStore({ url, ca, deadline: '1s' })
}

/** A certificate that a client shows. */
export interface ClientCertificate {
  readonly cert: string
  readonly key: string
}

/** Shows a certificate of its own to a server that asks for one. */
export function withCertificate(url: string, ca: string, shown: ClientCertificate): Store {
  return createStore({ url, ca, tls: { ...shown }, deadline: '1s' })
}
