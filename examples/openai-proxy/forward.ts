import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Response as Reply, Request, RequestHandler } from 'express'
import { ApiError, errorBody } from './api-error.ts'
import { meter } from './meter.ts'

/** Whom the proxy asks. */
export interface Upstream {
  /** Up to and with the version: `https://api.openai.com/v1`. */
  readonly baseUrl: string
  /** Goes there in the place of the callers' keys. @default each caller's own key */
  readonly apiKey?: string | undefined
}

/** Hands a request on to a path upstream, and the answer back as it comes. */
export function forward({ baseUrl, apiKey }: Upstream, path: string): RequestHandler {
  const url = baseUrl.replace(/\/+$/u, '') + path
  return async (req, res) => {
    const left = new AbortController()
    res.once('close', () => left.abort())
    const asked = { ...requestOf(req, apiKey), signal: left.signal }
    try {
      const answer = await fetch(url, asked).catch(unreachable)
      if (!answer.ok) await passError(answer, req, res, apiKey)
      else if (isStream(answer)) await passStream(answer, req, res)
      else await passWhole(answer, req, res)
    } catch (error) {
      // Who has left waits for no answer.
      if (left.signal.aborted) return
      // The cache may have an older answer, and that costs nothing.
      await req.rateLimit.release()
      throw error
    }
  }
}

function requestOf(req: Request, apiKey: string | undefined): RequestInit {
  const headers = new Headers(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` })
  const names = ['content-type', 'accept']
  if (apiKey === undefined) names.push('authorization', 'openai-organization', 'openai-project')
  for (const name of names) {
    const value = req.get(name)
    if (value !== undefined) headers.set(name, value)
  }
  return { method: req.method, headers, ...(Buffer.isBuffer(req.body) && { body: req.body }) }
}

const failed = { type: 'server_error', code: 'upstream_error' }

function unreachable(cause: unknown): never {
  throw new ApiError(502, 'The model cannot be reached.', { ...failed, cause })
}

function isStream({ headers }: Response): boolean {
  return /^text\/event-stream\b/iu.test(headers.get('content-type') ?? '')
}

const passed = ['content-type', 'x-request-id', 'openai-processing-ms', 'openai-version']
const passedOfErrors = ['retry-after', 'retry-after-ms', 'x-should-retry']

function passHead({ status, ok, headers }: Response, res: Reply): void {
  res.status(status)
  for (const name of [...passed, ...(ok ? [] : passedOfErrors)]) {
    const value = headers.get(name)
    // `res.set()` would add a charset.
    if (value !== null) res.setHeader(name, value)
  }
}

async function passWhole(answer: Response, req: Request, res: Reply): Promise<void> {
  const bytes = Buffer.from(await answer.arrayBuffer().catch(unreachable))
  await req.rateLimit.settleUsage(parsed(bytes))
  passHead(answer, res)
  res.end(bytes)
}

/** The bytes go out as they come; the budget is settled before the answer ends. */
async function passStream(answer: Response, req: Request, res: Reply): Promise<void> {
  const count = meter(req)
  async function* metered(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const bytes of body) {
        count.read(bytes)
        yield bytes
      }
    } finally {
      await count.settle()
    }
  }
  passHead(answer, res)
  // Whichever side breaks off, the other is closed: the client notices, and nothing is kept.
  await pipeline(answer.body ?? Readable.from([]), metered, res).catch(() => undefined)
}

/** Errors of the model in its own words, with its status; they have cost nothing. */
async function passError(
  answer: Response,
  req: Request,
  res: Reply,
  apiKey: string | undefined,
): Promise<void> {
  const { status } = answer
  const bytes = Buffer.from(await answer.arrayBuffer().catch(unreachable))
  await req.rateLimit.release()
  // Of the proxy's own key its callers are told nothing.
  if (apiKey !== undefined && (status === 401 || status === 403))
    throw new ApiError(502, 'The model refuses the proxy.', failed)
  passHead(answer, res)
  res.setHeader('content-type', 'application/json')
  if (isApiError(parsed(bytes))) return void res.end(bytes)
  const message = `The model answered with status ${status}.`
  res.end(JSON.stringify(errorBody(message, failed.type, failed.code)))
}

function isApiError(body: unknown): boolean {
  return typeof (body as { error?: { message?: unknown } } | undefined)?.error?.message === 'string'
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}
