export {
  asRateLimiter,
  type CompatibleRateLimiter,
  type RateLimiterOptions,
} from '../lib/limit/rate-limiter-compatible.ts'
