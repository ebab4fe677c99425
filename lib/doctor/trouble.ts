import type { ConnectionFacts } from '../ports/checkup.ts'

type Cause = readonly [cause: string, fix: string]

const credentials: Cause = [
  'it refuses the user or the password',
  'Correct `REDIS_USERNAME` and `REDIS_PASSWORD`, or both in the URL, with `@ : / # ? %` percent-encoded; an ACL user must be saved to outlive a restart.',
]

/** A server that speaks none waits for more of what it takes for a command. */
const noTls: Cause = [
  'no TLS connection comes about; perhaps it speaks no TLS on that port',
  'Use `redis://` and no `REDIS_TLS_CA_FILE`, or the port that speaks TLS.',
]

const silent: Cause = [
  'it takes the connection and does not answer (frozen, loading its data, or no Redis)',
  'Look at its log, and at `redis-cli PING` on that address.',
]

const known: readonly (readonly [RegExp, ...Cause])[] = [
  [/^(WRONGPASS|NOAUTH|ERR AUTH|ERR Client sent AUTH)/, ...credentials],
  [
    /SELECT is not allowed in cluster mode/,
    'it is a node of a Cluster, which has only database 0',
    'Set `REDIS_CLUSTER_NODES` instead of `REDIS_URL` or `REDIS_HOST`, and no database.',
  ],
  [
    /cluster support disabled/,
    'it is no Cluster',
    'Set `REDIS_URL` instead of `REDIS_CLUSTER_NODES`.',
  ],
  [/No such master/, 'the Sentinels know no master of that name', 'Correct `REDIS_SENTINEL_NAME`.'],
  [
    /unknown command .?sentinel/i,
    'it is no Sentinel',
    'Set `REDIS_SENTINELS` to addresses of Sentinels (port 26379), or use `REDIS_URL`.',
  ],
  [/max number of clients/, 'it takes no more clients', 'Raise `maxclients`, or close clients.'],
  [
    /ECONNREFUSED/,
    'nothing listens there (ECONNREFUSED)',
    'Start Redis, or correct `REDIS_URL` or `REDIS_HOST`; in a container `localhost` is the container.',
  ],
  [
    /ENOTFOUND|EAI_AGAIN/,
    'the name is not known (ENOTFOUND)',
    'Correct the host in `REDIS_URL` or `REDIS_HOST`.',
  ],
  [/ENOENT/, 'there is no such socket (ENOENT)', 'Correct the path in `REDIS_URL`.'],
  [
    /EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|no connection/,
    'no connection comes about',
    'Look at firewalls and routes, and correct `REDIS_URL` or `REDIS_HOST`.',
  ],
  [
    /ALTNAME/,
    'its certificate is made out to another name',
    'Use the name in the certificate, or have one made out to this address.',
  ],
  [/CERT_HAS_EXPIRED/, 'its certificate has expired', 'Renew the certificate.'],
  [
    /SELF_SIGNED|UNABLE_TO_|CERT_/,
    'its certificate is not signed by an authority that is trusted here',
    'Set `REDIS_TLS_CA_FILE`, or `ca`, to the authority that signed it.',
  ],
  [
    /EPROTO|ERR_SSL|wrong version number|packet length/i,
    'it speaks no TLS on that port, or another version of it',
    'Use `redis://` and no `REDIS_TLS_CA_FILE`, or the port that speaks TLS.',
  ],
  [/Socket timeout|^silent|LOADING/, ...silent],
  [
    /client is closed/,
    'the client handed in is closed',
    'Hand in a client that is open: the store does not open it again.',
  ],
  [
    /ECONNRESET|EPIPE|closed|writeable/,
    'it ends the connection at once',
    'If it wants TLS, use `rediss://` and `REDIS_TLS_CA_FILE`; else look at `maxclients` and its log.',
  ],
]

/** One of several servers is missing: the driver only tells of whichever failed last. */
export const ofSeveral: RegExp = /^no answer from|Nobody is there for slot|CLUSTERDOWN/

/** What an error says, and what to do, in plain words. */
export function causeOf(trouble: string, { db, tls }: Pick<ConnectionFacts, 'db' | 'tls'>): Cause {
  if (/DB index|invalid DB/.test(trouble))
    return [
      `it has no database ${db}`,
      'Correct `REDIS_DB`, or the number in the URL, or raise `databases` on the server.',
    ]
  if (ofSeveral.test(trouble)) return [trouble, 'Look at `redis-cli --cluster check` on any node.']
  if (tls && /no connection|ETIMEDOUT|Socket timeout/.test(trouble)) return noTls
  const found = known.find(([pattern]) => pattern.test(trouble))
  if (found === undefined) return [trouble, 'Look at the log of the server.']
  const [, cause, fix] = found
  return [cause, fix]
}
