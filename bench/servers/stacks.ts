import { passing, refusing } from './limited.ts'
import type { Part } from './mounts.ts'
import type { Stack } from './stack.ts'

const express = async (part: Part) => (await import('./memoryware.ts')).memorywareOnExpress(part)
const koa = async (part: Part) => (await import('./memoryware.ts')).memorywareOnKoa(part)

/** Every server, by name. Each process loads only what its own needs. */
export const stacks = {
  'express/bare': async () => (await import('./bare.ts')).bareExpress,
  'express/memoryware/limit': () => express('limit'),
  'express/memoryware/limits': () => express('limits'),
  'express/memoryware/refuse': () => express('refuse'),
  'express/memoryware/settle': () => express('settle'),
  'express/memoryware/composed': () => express('composed'),
  'express/memoryware/composed-l2': () => express('composed-l2'),
  'express/memoryware/cache': () => express('cache'),
  'express/memoryware/cache-l2': () => express('cache-l2'),
  'express/memoryware/cache-distinct': () => express('cache-distinct'),
  'express/memoryware/memory': () => express('memory'),
  'express/memoryware/turns': () => express('turns'),
  'express/memoryware/all': () => express('all'),
  'express/express-rate-limit/limit': async () => {
    const { expressRateLimit } = await import('./limiters.ts')
    return expressRateLimit(passing)
  },
  'express/express-rate-limit/refuse': async () => {
    const { expressRateLimit } = await import('./limiters.ts')
    return expressRateLimit(refusing)
  },
  'express/rate-limiter-flexible/limit': async () => {
    const { rateLimiterFlexible } = await import('./limiters.ts')
    return rateLimiterFlexible(passing, { block: false })
  },
  'express/rate-limiter-flexible/refuse': async () => {
    const { rateLimiterFlexible } = await import('./limiters.ts')
    return rateLimiterFlexible(refusing, { block: false })
  },
  'express/rate-limiter-flexible/block': async () => {
    const { rateLimiterFlexible } = await import('./limiters.ts')
    return rateLimiterFlexible(refusing, { block: true })
  },
  'express/apicache': async () => (await import('./apicache.ts')).apicacheAlone,
  'express/route-cache': async () => (await import('./route-cache.ts')).routeCacheAlone,
  'express/express-session': async () => (await import('./sessions.ts')).expressSession,
  'express/langchain': async () => (await import('./langchain.ts')).langchain,
  'express/express-session/langchain': async () =>
    (await import('./langchain.ts')).sessionAndLangchain,
  'express/get-set': async () => (await import('./whole-conversation.ts')).getSetOnExpress,
  'express/peers-together': async () => (await import('./peers-together.ts')).peersTogether,
  'express/peers-together/by-hand': async () =>
    (await import('./peers-together.ts')).peersTogetherByHand,
  'koa/bare': async () => (await import('./bare.ts')).bareKoa,
  'koa/koa-ratelimit/limit': async () => {
    const { koaRatelimit } = await import('./koa-limiters.ts')
    return koaRatelimit(passing)
  },
  'koa/koa-ratelimit/refuse': async () => {
    const { koaRatelimit } = await import('./koa-limiters.ts')
    return koaRatelimit(refusing)
  },
  'koa/rate-limiter-flexible/limit': async () => {
    const { rateLimiterFlexibleOnKoa } = await import('./koa-limiters.ts')
    return rateLimiterFlexibleOnKoa(passing, { block: false })
  },
  'koa/rate-limiter-flexible/refuse': async () => {
    const { rateLimiterFlexibleOnKoa } = await import('./koa-limiters.ts')
    return rateLimiterFlexibleOnKoa(refusing, { block: false })
  },
  'koa/rate-limiter-flexible/block': async () => {
    const { rateLimiterFlexibleOnKoa } = await import('./koa-limiters.ts')
    return rateLimiterFlexibleOnKoa(refusing, { block: true })
  },
  'koa/koa-session': async () => (await import('./koa-sessions.ts')).koaSession,
  'koa/langchain': async () => (await import('./koa-langchain.ts')).langchainOnKoa,
  'koa/koa-session/langchain': async () =>
    (await import('./koa-langchain.ts')).sessionAndLangchainOnKoa,
  'koa/get-set': async () => (await import('./whole-conversation.ts')).getSetOnKoa,
  'koa/peers-together': async () => (await import('./koa-peers-together.ts')).koaPeersTogether,
  'koa/peers-together/by-hand': async () =>
    (await import('./koa-peers-together.ts')).koaPeersTogetherByHand,
  'koa/koa-cash': async () => (await import('./koa-cash.ts')).koaCashAlone,
  'koa/memoryware/limit': () => koa('limit'),
  'koa/memoryware/limits': () => koa('limits'),
  'koa/memoryware/refuse': () => koa('refuse'),
  'koa/memoryware/settle': () => koa('settle'),
  'koa/memoryware/composed': () => koa('composed'),
  'koa/memoryware/composed-l2': () => koa('composed-l2'),
  'koa/memoryware/cache': () => koa('cache'),
  'koa/memoryware/cache-l2': () => koa('cache-l2'),
  'koa/memoryware/cache-distinct': () => koa('cache-distinct'),
  'koa/memoryware/memory': () => koa('memory'),
  'koa/memoryware/turns': () => koa('turns'),
  'koa/memoryware/all': () => koa('all'),
} satisfies Record<string, () => Promise<Stack>>

/** The name of a server. */
export type StackName = keyof typeof stacks
