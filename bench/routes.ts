import type { Expectation } from './expected-counts.ts'
import type { Group } from './flags.ts'
import { anonymous, distinct, type Requests, visitors } from './requests.ts'
import type { StackName } from './servers/stacks.ts'

/** A stack, as it stands in a table. */
export interface Entry {
  readonly label: string
  readonly stack: StackName
  readonly in: 'redis' | 'process'
  /** What its requests cost, where it is ours and in Redis. */
  readonly expectation?: Expectation
  /** It does more than the peers do: nobody expects it to be ahead of them. */
  readonly aside?: true
}

/** Whether a stack is this package, or one that it is compared with. */
export function isOurs({ stack }: Entry): boolean {
  return stack.includes('/memoryware/')
}

/** A route and the stacks that are compared on it. */
export interface Route {
  readonly group: Group
  readonly title: string
  readonly framework: 'express' | 'koa'
  /** The requests, spread over so many sessions where there are any. */
  readonly requests: (sessions: number) => Requests
  /** POST /fill gives each session its history before each slice. */
  readonly fill: boolean
  /** The answer comes from a cache: no handler should run. */
  readonly cached: boolean
  /** Otherwise only commands and round trips are counted. */
  readonly timed: boolean
  readonly entries: readonly Entry[]
}

const sizeAt = { '/answer': '2 KB', '/answer64': '64 KB' }

/** What is at hand, what the store has, and what an embedded store has. */
const hits: readonly Entry[] = [
  redis('memoryware, L1', 'express/memoryware/cache', 'hit in L1'),
  redis('memoryware, L2', 'express/memoryware/cache-l2', 'hit in L2'),
  inProcess('memoryware', 'express/memoryware/cache'),
]

/** Everything that is compared. The bare handler is not in these lists: it is in every table. */
export const routes: readonly Route[] = [
  route('limits', 'GET /limited, allowed', 'express', {
    requests: () => anonymous('/limited'),
    entries: [
      ...ours('limit', 'one rule'),
      {
        ...redis('memoryware, three rules', 'express/memoryware/limits', 'three rules'),
        aside: true,
      },
      redis('express-rate-limit', 'express/express-rate-limit/limit'),
      redis('rate-limiter-flexible', 'express/rate-limiter-flexible/limit'),
    ],
  }),
  route('limits', 'GET /limited, refused', 'express', {
    requests: () => anonymous('/limited', 429),
    entries: [
      ...ours('refuse', 'refused'),
      redis('express-rate-limit', 'express/express-rate-limit/refuse'),
      redis('rate-limiter-flexible', 'express/rate-limiter-flexible/refuse'),
      redis('rate-limiter-flexible, own block', 'express/rate-limiter-flexible/block'),
    ],
  }),
  route('limits', 'GET /limited, allowed', 'koa', {
    requests: () => anonymous('/limited'),
    entries: [
      ...onKoa(ours('limit', 'one rule')),
      { ...redis('memoryware, three rules', 'koa/memoryware/limits', 'three rules'), aside: true },
      redis('koa-ratelimit', 'koa/koa-ratelimit/limit'),
      inProcess('koa-ratelimit', 'koa/koa-ratelimit/limit'),
      redis('rate-limiter-flexible', 'koa/rate-limiter-flexible/limit'),
    ],
  }),
  route('limits', 'GET /limited, refused', 'koa', {
    requests: () => anonymous('/limited', 429),
    entries: [
      ...onKoa(ours('refuse', 'refused')),
      redis('koa-ratelimit', 'koa/koa-ratelimit/refuse'),
      inProcess('koa-ratelimit', 'koa/koa-ratelimit/refuse'),
      redis('rate-limiter-flexible', 'koa/rate-limiter-flexible/refuse'),
      redis('rate-limiter-flexible, own block', 'koa/rate-limiter-flexible/block'),
    ],
  }),
  ...(['express', 'koa'] as const).map((framework) =>
    route('limits', 'GET /settled, settled after the answer, counted only', framework, {
      requests: () => anonymous('/settled'),
      timed: false,
      entries: [redis('memoryware', `${framework}/memoryware/settle`, 'settled')],
    }),
  ),
  ...(['express', 'koa'] as const).map((framework) =>
    route('limits', 'GET /answer, cached, three rules, counted only', framework, {
      requests: () => anonymous('/answer'),
      cached: true,
      timed: false,
      entries: [
        redis('compose(), L1', `${framework}/memoryware/composed`, 'three rules and a hit in L1'),
        redis(
          'compose(), L2',
          `${framework}/memoryware/composed-l2`,
          'three rules and a hit in L2',
        ),
      ],
    }),
  ),
  ...(['/answer', '/answer64'] as const).flatMap((path) => [
    route('cache', `GET ${path}, ${sizeAt[path]}, cached`, 'express', {
      requests: () => anonymous(path),
      cached: true,
      entries: [
        ...hits,
        redis('apicache', 'express/apicache'),
        inProcess('apicache', 'express/apicache'),
        redis('route-cache', 'express/route-cache'),
        inProcess('route-cache', 'express/route-cache'),
      ],
    }),
    route('cache', `GET ${path}, ${sizeAt[path]}, cached`, 'koa', {
      requests: () => anonymous(path),
      cached: true,
      entries: [
        ...onKoa(hits),
        redis('koa-cash', 'koa/koa-cash'),
        inProcess('koa-cash', 'koa/koa-cash'),
      ],
    }),
  ]),
  ...(['express', 'koa'] as const).map((framework) =>
    route('cache', 'GET /answer, 2 KB, missed, counted only', framework, {
      requests: () => distinct('/answer', 64),
      timed: false,
      entries: [redis('memoryware', `${framework}/memoryware/cache-distinct`, 'cache miss')],
    }),
  ),
  route('chat', 'POST /append, 2 messages, counted only', 'express', {
    ...chatting('/append'),
    timed: false,
    entries: ours('memory', 'append'),
  }),
  route('chat', 'POST /append, 2 messages, counted only', 'koa', {
    ...chatting('/append'),
    timed: false,
    entries: onKoa(ours('memory', 'append')),
  }),
  route('chat', 'POST /turn, answered before the reply is stored, counted only', 'express', {
    ...chatting('/turn'),
    timed: false,
    entries: [redis('memoryware, turn()', 'express/memoryware/turns', 'turn')],
  }),
  route('chat', 'POST /turn, answered before the reply is stored, counted only', 'koa', {
    ...chatting('/turn'),
    timed: false,
    entries: [redis('memoryware, turn()', 'koa/memoryware/turns', 'turn')],
  }),
  route('chat', 'POST /chat, reads 20 messages, appends 2', 'express', {
    ...chatting('/chat'),
    entries: [
      ...ours('memory', 'chat turn'),
      redis('memoryware, turn()', 'express/memoryware/turns', 'turn, stored first'),
      inProcess('memoryware, turn()', 'express/memoryware/turns'),
      redis('express-session', 'express/express-session'),
      redis('LangChain', 'express/langchain'),
      redis('express-session + LangChain', 'express/express-session/langchain'),
      redis('get/set', 'express/get-set'),
    ],
  }),
  route('chat', 'POST /chat, reads 20 messages, appends 2', 'koa', {
    ...chatting('/chat'),
    entries: [
      ...onKoa(ours('memory', 'chat turn')),
      redis('memoryware, turn()', 'koa/memoryware/turns', 'turn, stored first'),
      redis('koa-session', 'koa/koa-session'),
      redis('LangChain', 'koa/langchain'),
      redis('koa-session + LangChain', 'koa/koa-session/langchain'),
      redis('get/set', 'koa/get-set'),
    ],
  }),
  route('all', 'Session, limit and cache: GET /answer, 2 KB, cached', 'express', {
    requests: (sessions) => visitors('GET', '/answer', sessions),
    fill: true,
    cached: true,
    entries: [
      ...ours('all', 'all three, GET /answer'),
      redis('express-session + -rate-limit + apicache', 'express/peers-together'),
      redis('express-session + -rate-limit + route-cache', 'express/peers-together/by-hand'),
    ],
  }),
  route('all', 'Session, limit and cache: GET /answer, 2 KB, cached', 'koa', {
    requests: (sessions) => visitors('GET', '/answer', sessions),
    fill: true,
    cached: true,
    entries: [
      ...onKoa(ours('all', 'all three, GET /answer')),
      redis('koa-session + -ratelimit + -cash', 'koa/peers-together'),
    ],
  }),
  route('all', 'Session, limit and memory: POST /chat', 'express', {
    ...chatting('/chat'),
    entries: [
      ...ours('all', 'all three, POST /chat'),
      redis('express-session + -rate-limit + LangChain', 'express/peers-together'),
      redis('express-session + -rate-limit + get/set', 'express/peers-together/by-hand'),
    ],
  }),
  route('all', 'Session, limit and memory: POST /chat', 'koa', {
    ...chatting('/chat'),
    entries: [
      ...onKoa(ours('all', 'all three, POST /chat')),
      redis('koa-session + -ratelimit + LangChain', 'koa/peers-together'),
      redis('koa-session + -ratelimit + get/set', 'koa/peers-together/by-hand'),
    ],
  }),
]

/** The bare handler of a framework, which everything is relative to. */
export function bareOf({ framework }: Route): Entry {
  return { label: 'bare handler', stack: `${framework}/bare`, in: 'process' }
}

type Given = Pick<Route, 'requests' | 'entries'> & Partial<Route>

function route(group: Group, title: string, framework: Route['framework'], given: Given): Route {
  return { group, title, framework, fill: false, cached: false, timed: true, ...given }
}

function chatting(path: string): Pick<Route, 'requests' | 'fill'> {
  return { requests: (sessions) => visitors('POST', path, sessions), fill: true }
}

type Part = 'limit' | 'refuse' | 'memory' | 'all'

function ours(part: Part, expectation: Expectation): readonly Entry[] {
  const stack = `express/memoryware/${part}` as const
  return [redis('memoryware', stack, expectation), inProcess('memoryware', stack)]
}

function redis(label: string, stack: StackName, expectation?: Expectation): Entry {
  return { label, stack, in: 'redis', ...(expectation ? { expectation } : {}) }
}

function inProcess(label: string, stack: StackName): Entry {
  return { label, stack, in: 'process' }
}

function onKoa(entries: readonly Entry[]): readonly Entry[] {
  return entries.map((entry) => ({
    ...entry,
    stack: entry.stack.replace(/^express/, 'koa') as StackName,
  }))
}
