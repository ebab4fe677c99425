import type { Entry, Route } from './routes.ts'

/** One figure that is to be reached. */
export interface Goal {
  /** `req/s` is to be at least, `cpu` at most so many times that of the other. */
  readonly what: 'req/s' | 'cpu'
  readonly times: number
  /** The bare handler, the best peer in the same kind of store, or one peer by its label. */
  readonly of: string
}

/** What is wanted of one stack of ours. */
export interface Wanted {
  readonly route: Route['title']
  readonly frameworks: readonly Route['framework'][]
  readonly stack: Entry['label']
  readonly in: Entry['in']
  readonly goals: readonly Goal[]
}

/** What the goals are relative to, where that is no single peer. */
export const bare = 'bare handler'
export const bestPeer = 'best peer'

/** How far a goal may be missed where the profile shows what bounds it. */
export const tolerance = 0.1

const both = ['express', 'koa'] as const
const limited = 'GET /limited, allowed'
const refused = 'GET /limited, refused'
const small = 'GET /answer, 2 KB, cached'
const large = 'GET /answer64, 64 KB, cached'
const chat = 'POST /chat, reads 20 messages, appends 2'
const allAnswer = 'Session, limit and cache: GET /answer, 2 KB, cached'
const allChat = 'Session, limit and memory: POST /chat'

/**
 * The figures that were set before any of this was built: the last column of the measurements of
 * the peers, and for the embedded store nearly the speed of the bare handler. Where a bare Koa is so fast that not even what was written by hand came that far, the
 * figure for Koa is what was.
 */
export const wanted: readonly Wanted[] = [
  want(both, limited, 'memoryware', 'redis', [
    atLeast(1.1, bestPeer),
    { what: 'cpu', times: 1.15, of: bare },
  ]),
  want(['express'], refused, 'memoryware', 'redis', [
    atLeast(0.9, bare),
    atLeast(1.1, 'rate-limiter-flexible, own block'),
  ]),
  want(['koa'], refused, 'memoryware', 'redis', [
    atLeast(0.9, bare),
    atLeast(1.2, 'rate-limiter-flexible, own block'),
  ]),
  want(['express'], small, 'memoryware, L2', 'redis', [atLeast(1.5, bare), atLeast(1.7, bestPeer)]),
  want(['koa'], small, 'memoryware, L2', 'redis', [atLeast(1.13, bare), atLeast(1.7, bestPeer)]),
  want(both, large, 'memoryware, L2', 'redis', [atLeast(1.5, bare), atLeast(2.5, bestPeer)]),
  ...(['redis', 'process'] as const).flatMap((place) => {
    const label = place === 'redis' ? 'memoryware, L1' : 'memoryware'
    return [
      want(['express'], small, label, place, [atLeast(1.9, bare)]),
      want(['koa'], small, label, place, [atLeast(1.5, bare)]),
      want(both, large, label, place, [atLeast(3.8, bare)]),
    ]
  }),
  ...[limited, refused, chat].map((route) =>
    want(both, route, 'memoryware', 'process', [atLeast(0.95, bare)]),
  ),
  want(['express'], chat, 'memoryware', 'redis', [
    atLeast(1.2, 'get/set'),
    { what: 'cpu', times: 0.65, of: 'express-session + LangChain' },
  ]),
  want(['koa'], chat, 'memoryware', 'redis', [
    atLeast(1.2, 'get/set'),
    { what: 'cpu', times: 0.65, of: 'koa-session + LangChain' },
  ]),
  want(['express'], allChat, 'memoryware', 'redis', [atLeast(1.4, bestPeer)]),
  want(['koa'], allChat, 'memoryware', 'redis', [atLeast(2, bestPeer)]),
  want(['express'], allAnswer, 'memoryware', 'redis', [atLeast(2.5, bestPeer), atLeast(1, bare)]),
  want(['koa'], allAnswer, 'memoryware', 'redis', [atLeast(2.5, bestPeer), atLeast(0.64, bare)]),
]

/** With a millisecond more to Redis and back, over one connection. */
export const wantedAtDistance = { '/chat': 5, '/answer': 2.6 } as const

function want(
  frameworks: Wanted['frameworks'],
  route: string,
  stack: string,
  place: Entry['in'],
  goals: readonly Goal[],
): Wanted {
  return { frameworks, route, stack, in: place, goals }
}

function atLeast(times: number, of: string): Goal {
  return { what: 'req/s', times, of }
}
