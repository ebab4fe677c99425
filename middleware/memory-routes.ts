import { OptionError, RequestError } from '../lib/errors.ts'
import type { Memory } from '../lib/history/memory.ts'
import type { Core, Exchange } from './exchange.ts'
import { identify } from './identity.ts'
import { jsonBody } from './json-body.ts'
import { type Answer, problem, refusalOf, sendAnswer } from './memory-answer.ts'
import { checkMemoryOptions, type SessionMemoryOptions } from './memory-options.ts'
import { type Identity, requestState } from './request-state.ts'
import { type MemoryMount, memoryOpener } from './session-memory.ts'
import { partRoutes, type Route, sessionRoute } from './session-routes.ts'
import { userRoute, wordRoutes } from './user-routes.ts'

/**
 * Options of `memoryRoutes()`. Without any but `path` it works on what the `sessionMemory()` that ran
 * before works on.
 */
export interface MemoryRoutesOptions<Native> extends SessionMemoryOptions<Native> {
  /** Stands before all routes, where the framework does not take it off the path: `/chats`. @default '' */
  readonly path?: string
}

/** The routes over a user's sessions, knowing no framework. */
export function memoryRoutesCore<Native>(
  options: MemoryRoutesOptions<Native>,
): Core<Native, Identity, undefined> {
  const { path = '', ...given } = options
  if (typeof path !== 'string' || !/^(?:\/[^/?#]+)*$/.test(path))
    throw new OptionError('memoryRoutes.path', 'a path such as /chats', path)
  const own = Object.keys(given).length > 0 ? mountOf(given) : undefined
  let standIn: MemoryMount<Native> | undefined

  function opener(exchange: Exchange<Native>, identity: Identity): (id: string) => Memory {
    if (own) return memoryOpener(exchange, own, identity)
    const inherited = requestState(exchange.req).openMemory
    if (inherited) return inherited
    // Nothing was said, and nobody ran before: the default store, made now that it is needed.
    standIn ??= mountOf({})
    return memoryOpener(exchange, standIn, identity)
  }

  return {
    prepare: (exchange) => identify(exchange, own?.user),
    start: () => undefined,
    async finish(exchange, identity) {
      const place = placeOf(exchange, path)
      if (place === undefined) return 'next'
      const answer = await answerOf(exchange, place, opener(exchange, identity))
      if (answer !== 'answered') sendAnswer(exchange, answer)
      return 'answered'
    },
  }
}

function mountOf<Native>(options: SessionMemoryOptions<Native>): MemoryMount<Native> {
  return { ...checkMemoryOptions('memoryRoutes', options), user: options.user }
}

interface Place {
  readonly route: Route
  /** The session that the path names. */
  readonly id: string | undefined
  readonly base: string
}

/** What stands at this path; `undefined` where that is not for these routes to say. */
function placeOf<Native>({ path, url }: Exchange<Native>, mount: string): Place | undefined {
  if (path !== mount && !path.startsWith(`${mount}/`)) return undefined
  const below = path.slice(mount.length)
  const segments = below.split('/').slice(1)
  if (segments.at(-1) === '') segments.pop()
  const [first, part, ...more] = segments
  if (more.length > 0) return undefined
  const whole = url.split('?', 1)[0] ?? ''
  const base = whole.endsWith(below) ? whole.slice(0, whole.length - below.length) : mount
  if (first === undefined) return { route: userRoute, id: undefined, base }
  const word = own(wordRoutes, first)
  if (part === undefined && word) return { route: word, id: undefined, base }
  const route = part === undefined ? sessionRoute : own(partRoutes, part)
  return route && { route, id: first, base }
}

function own<Value>(of: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined
}

async function answerOf<Native>(
  exchange: Exchange<Native>,
  { route, id, base }: Place,
  open: (id: string) => Memory,
): Promise<Answer | 'answered'> {
  const { method = 'GET', headers } = exchange.req
  const head = method === 'HEAD'
  const act = own(route, head ? 'GET' : method)
  if (act === undefined) return notAllowed(route, method)
  if (method !== 'GET' && !head && headers['sec-fetch-site'] === 'cross-site')
    return problem(403, 'Another site may not change this')
  try {
    return await act({
      memory: open(id === undefined ? 'default' : decoded(id)),
      query: queryOf(exchange.url),
      head,
      base,
      lastEventId: [headers['last-event-id'] ?? []].flat()[0],
      body: () => jsonBody(exchange),
      target: exchange.target,
    })
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined) throw error
    return refusal
  }
}

function notAllowed(route: Route, method: string): Answer {
  const methods = Object.keys(route).flatMap((name) => (name === 'GET' ? [name, 'HEAD'] : name))
  const fields = { Allow: [...methods, 'OPTIONS'].join(', ') }
  if (method === 'OPTIONS') return { status: 204, fields }
  return problem(405, undefined, fields)
}

/** Not by `URL`, for which not every target of a request is one: `//`, `http://host:99999/`. */
function queryOf(url: string): URLSearchParams {
  const at = url.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : url.slice(at))
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch (cause) {
    throw new RequestError(400, 'The path is not well-formed', { cause })
  }
}
