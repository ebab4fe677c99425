import { Failure, unreachable } from './api.js'

let numbered = 0

/**
 * Asks `GET /cached`, and tells what came back. Without cookies, as a stranger: `localhost` may have
 * those of other applications. The number keeps the browser's own cache out; ours has only `q` in its key.
 */
export async function askCached(question, headers = {}) {
  numbered += 1
  const query = new URLSearchParams({ q: question, n: String(numbered) })
  const began = performance.now()
  const response = await send(`/cached?${query}`, { headers })
  const { run } = await response.json()
  const line = response.headers.get('cache-status') ?? ''
  return {
    ...readCacheStatus(line),
    line,
    run,
    age: response.headers.get('age') ?? undefined,
    ms: performance.now() - began,
  }
}

/** Purges all answers of `GET /cached`, by their tag. */
export async function purgeCached() {
  await send('/cached', { method: 'DELETE' })
}

/** What our member of a `Cache-Status` field (RFC 9211) says: the last, nearest to the client. */
export function readCacheStatus(line) {
  const [, ...parameters] = line.split(',').at(-1).trim().split(/;\s*/u)
  const { hit, fwd, ttl, stored, collapsed, detail } = Object.fromEntries(
    parameters.map((each) => {
      const [name, value = true] = each.split('=')
      return [name, value]
    }),
  )
  const seconds = ttl === undefined ? undefined : Number(ttl)
  return { status: statusOf({ hit, fwd, collapsed, seconds }), fwd, ttl: seconds, stored, detail }
}

function statusOf({ hit, fwd, collapsed, seconds }) {
  if (hit) return seconds < 0 ? 'stale' : 'hit'
  if (collapsed) return 'collapsed'
  return fwd === 'bypass' ? 'bypass' : 'miss'
}

async function send(path, options) {
  const response = await fetch(path, { ...options, credentials: 'omit' }).catch(() => {
    throw new Failure(unreachable)
  })
  if (response.ok) return response
  const { status } = response
  const waitSeconds = Number(response.headers.get('retry-after')) || 0
  const said =
    status === 429
      ? `rateLimit() refused it: more in ${waitSeconds} s.`
      : `The server answered with status ${status}.`
  throw new Failure(said, { status, waitSeconds })
}
