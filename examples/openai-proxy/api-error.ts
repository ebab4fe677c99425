import type { ErrorRequestHandler, RequestHandler, Response } from 'express'

/** An error as OpenAI's API tells it; its message may be shown. */
export class ApiError extends Error {
  readonly status: number
  readonly expose = true
  readonly type: string
  readonly code: string

  constructor(status: number, message: string, { code, type, cause }: Kind) {
    super(message, { cause })
    this.name = 'ApiError'
    this.status = status
    this.type = type ?? 'invalid_request_error'
    this.code = code
  }
}

interface Kind {
  readonly code: string
  /** @default 'invalid_request_error' */
  readonly type?: string
  readonly cause?: unknown
}

/** There is nothing at this address. */
export const unknownUrl: RequestHandler = ({ method, path }) => {
  throw new ApiError(404, `Unknown request URL: ${method} ${path}`, { code: 'unknown_url' })
}

/** Answers errors so that OpenAI's clients know them. */
export const apiErrors: ErrorRequestHandler = (error, _req, res, next) => {
  if (res.headersSent) return next(error)
  const { status = 500, expose, message, headers } = error as Failure
  if (!expose) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  const told = expose && message ? message : 'Something went wrong in the proxy.'
  const kind = status < 500 ? 'invalid_request_error' : 'server_error'
  const { type, code } = error instanceof ApiError ? error : { type: kind, code: null }
  res.status(status).set(headers ?? {})
  res.json(errorBody(told, type, code))
}

/** What Express and the middlewares put on errors. */
interface Failure extends Partial<Error> {
  readonly status?: number
  readonly expose?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

/** The longest wait in seconds that a client's own retries are worth. */
const longestRetry = 60

/** Rewrites refusals of `rateLimit()`, which are problem documents, as OpenAI's API has them. */
export const apiRefusals: RequestHandler = (_req, res, next) => {
  const { end } = res
  res.end = ((...args: Parameters<typeof end>) => {
    if (res.headersSent || res.getHeader('Content-Type') !== 'application/problem+json')
      return Reflect.apply(end, res, args)
    return Reflect.apply(end, res, [refusal(res)])
  }) as typeof end
  next()
}

function refusal(res: Response): string {
  const wait = res.getHeader('Retry-After')
  // OpenAI's clients sleep for as long as they are told, be it a day.
  if (wait === undefined || Number(wait) > longestRetry) res.setHeader('X-Should-Retry', 'false')
  res.setHeader('Content-Type', 'application/json')
  const kind = res.getHeader('x-ratelimit-remaining-tokens') === undefined ? 'requests' : 'tokens'
  const again = wait === undefined ? 'It asks for more than the limit.' : `Try again in ${wait}s.`
  const message = `Rate limit reached for ${kind}. ${again}`
  return JSON.stringify(errorBody(message, kind, 'rate_limit_exceeded'))
}

/** The body of an error. */
export function errorBody(message: string, type: string, code: string | null) {
  return { error: { message, type, param: null, code } }
}
