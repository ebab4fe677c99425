/** Biome's rule for what a file may import. */
export const IMPORTS = 'lint/style/noRestrictedImports'
const ENVIRONMENT = 'lint/style/noProcessEnv'

/** A rule of the house, a file it holds for, lines that break it and lines it leaves alone. */
export interface Rule {
  readonly fact: string
  readonly file: string
  /** Biome's name of the rule; `IMPORTS` where it is left out. */
  readonly category?: string
  readonly refused: readonly string[]
  readonly allowed: readonly string[]
}

/** What each place of the tree may import, with lines to try it on. */
export const importRules: readonly Rule[] = [
  {
    fact: 'errors.ts imports nothing of ours',
    file: 'lib/errors.ts',
    refused: [
      `import { encode } from './keys.ts'`,
      `import type { Provider } from './ports/provider.ts'`,
      `export { encode } from './keys.ts'`,
    ],
    allowed: [`import { inspect } from 'node:util'`],
  },
  ...[
    'bag',
    'deadline',
    'duration',
    'keys',
    'moment',
    'notice',
    'options',
    'pulse',
    'quick-json',
    'redact',
    'serializer',
    'telemetry',
  ].map((name) => ({
    fact: `${name}.ts imports only what everything stands on`,
    file: `lib/${name}.ts`,
    refused: [
      `import { store } from './store.ts'`,
      `import type { Provider } from './ports/provider.ts'`,
      `import { history } from './history/memory.ts'`,
    ],
    allowed: [`import { MemorywareError } from './errors.ts'`, `import ms from 'ms'`],
  })),
  {
    fact: 'a port knows no provider and no core',
    file: 'lib/ports/example.ts',
    refused: [
      `import { guarded } from '../providers/guarded.ts'`,
      `import type { Memory } from '../history/memory.ts'`,
      `import type { Store } from '../store.ts'`,
    ],
    allowed: [`import type { Deadline } from '../deadline.ts'`, `import type { A } from './a.ts'`],
  },
  ...['history', 'cache', 'limit'].map((core) => ({
    fact: `the ${core} core knows ports, and no provider, store or other core`,
    file: `lib/${core}/example.ts`,
    refused: [
      `import { guarded } from '../providers/guarded.ts'`,
      `import { redis } from '../providers/redis/provider.ts'`,
      `import type { Store } from '../store.ts'`,
      `import { other } from '../${core === 'limit' ? 'cache' : 'limit'}/other.ts'`,
      `import { Redis } from 'ioredis'`,
    ],
    allowed: [
      `import type { Provider } from '../ports/provider.ts'`,
      `import { encode } from '../keys.ts'`,
      `import { own } from './own.ts'`,
      ...(core === 'history' ? [`import { part } from './stream/part.ts'`] : []),
    ],
  })),
  {
    fact: 'what reads and writes answers knows nothing of the history around it',
    file: 'lib/history/stream/example.ts',
    refused: [
      `import { memory } from '../memory.ts'`,
      `import { encode } from '../../keys.ts'`,
      `import type { Store } from '../../store.ts'`,
      `import { Redis } from 'ioredis'`,
    ],
    allowed: [
      `import { UsageError } from '../../errors.ts'`,
      `import type { Chunk } from './chunk.ts'`,
    ],
  },
  {
    fact: 'a format knows messages, and nothing of sessions or stores',
    file: 'lib/history/formats/example.ts',
    refused: [
      `import { openMemory } from '../memory.ts'`,
      `import { encodeId } from '../../keys.ts'`,
      `import type { Store } from '../../store.ts'`,
      `import type OpenAI from 'ioredis'`,
    ],
    allowed: [
      `import { RequestError } from '../../errors.ts'`,
      `import type { RoleLetter } from '../../ports/history.ts'`,
      `import { own } from './own.ts'`,
    ],
  },
  {
    fact: 'the history core may use its formats',
    file: 'lib/history/window.ts',
    refused: [],
    allowed: [`import { rendered } from './formats/rendered.ts'`],
  },
  ...['lib/history/a.ts', 'lib/cache/a.ts', 'lib/store.ts', 'lib/providers/redis/a.ts'].map(
    (file) => ({
      fact: `rate-limiter-flexible stays in lib/limit: not in ${file}`,
      file,
      refused: [`import { RateLimiterMemory } from 'rate-limiter-flexible'`],
      allowed: [`import { createHash } from 'node:crypto'`],
    }),
  ),
  {
    fact: 'lib/limit may use rate-limiter-flexible',
    file: 'lib/limit/fixed.ts',
    refused: [],
    allowed: [`import { RateLimiterMemory } from 'rate-limiter-flexible'`],
  },
  ...[
    'lib/store.ts',
    'lib/example.ts',
    'lib/errors.ts',
    'lib/keys.ts',
    'lib/ports/a.ts',
    'lib/providers/example.ts',
    'lib/providers/embedded/a.ts',
    'middleware/express.ts',
    'middleware/koa.ts',
  ].map((file) => ({
    fact: `ioredis stays in lib/providers/redis: not in ${file}`,
    file,
    refused: [
      `import { Redis } from 'ioredis'`,
      `import type { Redis as Client } from 'ioredis'`,
      `import { x } from 'ioredis/built/utils/index.js'`,
      `export const driver = await import('ioredis')`,
    ],
    allowed: [`import { LRUCache } from 'lru-cache'`],
  })),
  ...['lib/providers/redis/example.ts', 'lib/providers/redis/scripts/example.ts'].map((file) => ({
    fact: `the redis provider may use ioredis: ${file}`,
    file,
    refused: [`import { embedded } from '../embedded/provider.ts'`],
    allowed: [`import { Redis } from 'ioredis'`, `import { run } from './script.ts'`],
  })),
  ...[
    'lib/example.ts',
    'lib/cached.ts',
    'middleware/example.ts',
    'middleware/express.ts',
    'middleware/koa.ts',
  ].map((file) => ({
    fact: `only store.ts picks a provider: not ${file}`,
    file,
    refused: [
      `import { redisProvider } from './providers/redis/provider.ts'`,
      `import { embeddedProvider } from '../lib/providers/embedded/provider.ts'`,
    ],
    allowed: [`import type { Provider } from './ports/provider.ts'`],
  })),
  {
    fact: 'index.ts publishes the embedded provider, and no other',
    file: 'lib/index.ts',
    refused: [
      `export { redisProvider } from './providers/redis/provider.ts'`,
      `export { guarded } from './providers/guarded.ts'`,
      `import { Redis } from 'ioredis'`,
    ],
    allowed: [`export { embeddedProvider } from './providers/embedded/provider.ts'`],
  },
  {
    fact: 'store.ts may pick a provider',
    file: 'lib/store.ts',
    refused: [],
    allowed: [`import { redisProvider } from './providers/redis/provider.ts'`],
  },
  {
    fact: 'a check of the doctor knows what servers tell, and no provider, store or core',
    file: 'lib/doctor/example.ts',
    refused: [
      `import { redisProvider } from '../providers/redis/provider.ts'`,
      `import type { Store } from '../store.ts'`,
      `import { clientNetwork } from '../limit/address.ts'`,
      `import type { Application } from 'express'`,
      `import { Redis } from 'ioredis'`,
    ],
    allowed: [
      `import type { ServerFields } from '../ports/checkup.ts'`,
      `import { configFromEnv } from '../config.ts'`,
      `import { ok } from './finding.ts'`,
    ],
  },
  {
    fact: 'a program knows stores, and no provider or framework',
    file: 'bin/example.ts',
    refused: [
      `import { redisProvider } from '../lib/providers/redis/provider.ts'`,
      `import { rateLimitCore } from '../middleware/rate-limit.ts'`,
      `import type { Application } from 'express'`,
      `import { Redis } from 'ioredis'`,
    ],
    allowed: [
      `import { createStore } from '../lib/store.ts'`,
      `import { parseArgs } from 'node:util'`,
    ],
  },
  {
    fact: 'a wrapper of providers picks none',
    file: 'lib/providers/example.ts',
    refused: [
      `import { redisProvider } from './redis/provider.ts'`,
      `import { embeddedProvider } from './embedded/provider.ts'`,
      `import { createStore } from '../store.ts'`,
    ],
    allowed: [`import type { Provider } from '../ports/provider.ts'`],
  },
  ...[
    'lib/example.ts',
    'lib/store.ts',
    'lib/errors.ts',
    'lib/keys.ts',
    'lib/cache/a.ts',
    'lib/limit/a.ts',
    'lib/ports/a.ts',
    'lib/providers/embedded/a.ts',
    'lib/providers/redis/a.ts',
  ].map((file) => ({
    fact: `lib knows no framework and no HTTP server: not ${file}`,
    file,
    refused: [
      `import express from 'express'`,
      `import type { Request } from 'express'`,
      `import type Koa from 'koa'`,
      `import Router from '@koa/router'`,
      `import session from 'express-session'`,
      `import { createServer } from 'node:http'`,
      `import { rateLimitCore } from '../../middleware/rate-limit.ts'`,
    ],
    allowed: [`import { createHash } from 'node:crypto'`],
  })),
  {
    fact: 'a middleware core names no framework, types included',
    file: 'middleware/example.ts',
    refused: [
      `import type { Request } from 'express'`,
      `import type { Context } from 'koa'`,
      `import { mount } from './express.ts'`,
      `import { observe } from './koa-observe.ts'`,
      `import { Redis } from 'ioredis'`,
    ],
    allowed: [
      `import type { IncomingMessage } from 'node:http'`,
      `import type { Exchange } from './exchange.ts'`,
      `import { createStore } from '../lib/store.ts'`,
    ],
  },
  ...['middleware/express.ts', 'middleware/express-example.ts'].map((file) => ({
    fact: `${file} names Express and nothing of Koa`,
    file,
    refused: [`import type { Context } from 'koa'`, `import { observe } from './koa-observe.ts'`],
    allowed: [`import type { Request } from 'express'`, `import { capture } from './capture.ts'`],
  })),
  ...['middleware/koa.ts', 'middleware/koa-example.ts'].map((file) => ({
    fact: `${file} names Koa and nothing of Express`,
    file,
    refused: [`import type { Request } from 'express'`, `import { mount } from './express.ts'`],
    allowed: [`import type { Context } from 'koa'`, `import { observe } from './koa-observe.ts'`],
  })),
  ...[
    'lib/example.ts',
    'lib/store.ts',
    'lib/serializer.ts',
    'lib/history/a.ts',
    'lib/limit/a.ts',
    'lib/ports/a.ts',
    'lib/providers/redis/a.ts',
    'middleware/example.ts',
    'middleware/express.ts',
    'middleware/koa.ts',
  ].map((file) => ({
    fact: `works without the optional packages: ${file}`,
    file,
    refused: [
      `import { RedisStore } from 'connect-redis'`,
      `import type { SessionData } from 'express-session'`,
      `import type { SessionOptions } from 'koa-session'`,
      `import { Packr } from 'msgpackr'`,
      `import { pack } from 'msgpackr/pack'`,
      `import type { UIMessage } from 'ai'`,
      `import { AIMessage } from '@langchain/core/messages'`,
      `import type { Session } from '@openai/agents-core'`,
    ],
    allowed: [`import { createHash } from 'node:crypto'`],
  })),
  {
    fact: 'lib/msgpack.ts may use msgpackr',
    file: 'lib/msgpack.ts',
    refused: [
      `import { RedisStore } from 'connect-redis'`,
      `import { Redis } from 'ioredis'`,
      `import { redisProvider } from './providers/redis/provider.ts'`,
    ],
    allowed: [`import { Packr } from 'msgpackr'`],
  },
  ...[
    ['langchain', `import { AIMessage } from '@langchain/core/messages'`],
    ['openai-agents', `import type { Session } from '@openai/agents-core'`],
    ['ai-sdk', `import type { UIMessage } from 'ai'`],
    ['stored', `import { isShape } from '../lib/history/formats/shape.ts'`],
  ].map(([name, own = ''], _, all) => ({
    fact: `an adapter knows its own package, and neither stores nor frameworks: ${name}`,
    file: `adapters/${name}.ts`,
    refused: [
      ...all.flatMap(([other, line = '']) => (other === name || other === 'stored' ? [] : [line])),
      `import { Packr } from 'msgpackr'`,
      `import type { Request } from 'express'`,
      `import { createServer } from 'node:http'`,
      `import { Redis } from 'ioredis'`,
      `import { RateLimiterRes } from 'rate-limiter-flexible'`,
      `import type { HistoryLog } from '../lib/ports/history.ts'`,
      `import { createStore } from '../lib/store.ts'`,
      `import { mount } from '../middleware/express.ts'`,
    ],
    allowed: [own, `import type { Memory } from '../lib/history/memory.ts'`],
  })),
  {
    fact: 'an adapter of limits works on limits, wherever these are kept',
    file: 'adapters/rate-limiter-flexible.ts',
    refused: [
      `import { RateLimiterRes } from 'rate-limiter-flexible'`,
      `import type { Budgets } from '../lib/ports/budgets.ts'`,
      `import { limitStoreOf } from '../lib/store.ts'`,
      `import { rateLimitCore } from '../middleware/rate-limit.ts'`,
    ],
    allowed: [`import { asRateLimiter } from '../lib/limit/rate-limiter-compatible.ts'`],
  },
  {
    fact: 'lib knows no adapter',
    file: 'lib/history/known.ts',
    refused: [`import { toStored } from '../../adapters/langchain-messages.ts'`],
    allowed: [`import { isShape } from './formats/shape.ts'`],
  },
  {
    fact: 'express-session*.ts may use express-session and connect-redis',
    file: 'middleware/express-session-example.ts',
    refused: [
      `import { Packr } from 'msgpackr'`,
      `import type { Context } from 'koa'`,
      `import { Redis } from 'ioredis'`,
    ],
    allowed: [
      `import { RedisStore } from 'connect-redis'`,
      `import { Store } from 'express-session'`,
    ],
  },
  ...['contract/store-contract.ts', 'contract/example.ts'].map((file) => ({
    fact: `the contract knows ports, and no provider, framework or test runner: ${file}`,
    file,
    refused: [
      `import { it } from 'mocha'`,
      `import { test } from 'node:test'`,
      `import { expect } from 'vitest'`,
      `import type { Request } from 'express'`,
      `import { Redis } from 'ioredis'`,
      `import { embeddedProvider } from '../lib/providers/embedded/provider.ts'`,
      `import type { Store } from '../lib/store.ts'`,
      `import { mount } from '../middleware/express.ts'`,
      `import { startRedis } from '../test/support/redis.ts'`,
    ],
    allowed: [
      `import assert from 'node:assert/strict'`,
      `import type { Provider } from '../lib/ports/provider.ts'`,
      `import { encodeId } from '../lib/keys.ts'`,
      `import { fresh } from './names.ts'`,
    ],
  })),
  {
    fact: 'an example imports the package by its name',
    file: 'examples/some-chat/server.ts',
    refused: [
      `import { createStore } from '../../lib/index.ts'`,
      `import { rateLimit } from '../../middleware/express.ts'`,
      `import { sessionMemory } from '../middleware/koa.ts'`,
      `import { aiSdkStore } from '../../adapters/ai-sdk.ts'`,
    ],
    allowed: [
      `import { createStore } from 'memoryware'`,
      `import { rateLimit } from 'memoryware/express'`,
      `import { answer } from './answer.ts'`,
    ],
  },
  ...['lib/example.ts', 'lib/store.ts', 'middleware/example.ts'].map((file) => ({
    fact: `the environment is read in config.ts only: not in ${file}`,
    file,
    category: ENVIRONMENT,
    refused: [`export const url = process.env['REDIS_URL']`],
    allowed: [`export const version = process.version`],
  })),
  ...['lib/config.ts', 'test/example.test.ts', 'examples/some-chat/server.ts'].map((file) => ({
    fact: `the environment may be read in ${file}`,
    file,
    category: ENVIRONMENT,
    refused: [],
    allowed: [`export const url = process.env['REDIS_URL']`],
  })),
  ...['lib/example.ts', 'contract/example.ts'].map((file) => ({
    fact: `nothing is loaded with require: not in ${file}`,
    file,
    category: 'lint/style/noCommonJs',
    refused: [`export const driver = require('ioredis')`],
    allowed: [`import { createHash } from 'node:crypto'`],
  })),
  {
    fact: 'two files do not import each other',
    file: 'lib/first.ts',
    category: 'lint/suspicious/noImportCycles',
    refused: [`import { second } from './second.ts'`],
    allowed: [`import { third } from './third.ts'`],
  },
]
