export type {
  Answers,
  BodyOf,
  CacheControl,
  CachedMethod,
  CacheKeyOptions,
  CacheL1Options,
  CacheResponseOptions,
  CacheResult,
  CacheStreamOptions,
  Purged,
  ResponseHead,
  ScopeOf,
  TagsOf,
  TtlOf,
} from './cache-response.ts'
export type { ContextOptions, SessionMemoryOptions } from './memory-options.ts'
export type { MemoryRoutesOptions } from './memory-routes.ts'
export type { RateLimitOptions } from './rate-limit-options.ts'
export type { RateLimitState } from './request-limits.ts'
