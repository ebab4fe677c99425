import { anonymous, type Requests, visitors } from './requests.ts'
import type { StackName } from './servers/stacks.ts'

/** A kind of work that is measured at several sizes. */
export interface Work {
  readonly title: string
  readonly stack: StackName
  readonly bare: StackName
  readonly fill: boolean
  readonly requests: (sessions: number) => Requests
}

/** A limit, an answer that Redis keeps, and a conversation, on Express. */
export const works = {
  limit: {
    title: 'GET /limited, one rule',
    ...{ stack: 'express/memoryware/limit', bare: 'express/bare', fill: false },
    requests: () => anonymous('/limited'),
  },
  cache: {
    title: 'GET /answer, 2 KB, L2',
    ...{ stack: 'express/memoryware/cache-l2', bare: 'express/bare', fill: false },
    requests: () => anonymous('/answer'),
  },
  chat: {
    title: 'POST /chat, reads 20, appends 2',
    ...{ stack: 'express/memoryware/memory', bare: 'express/bare', fill: true },
    requests: (sessions: number) => visitors('POST', '/chat', sessions),
  },
} as const satisfies Record<string, Work>

/** As many as grow by a few turns only while they are measured. */
export const sessionsOf = (seconds: number): number => 512 * seconds
