import express, { type Request, type RequestHandler } from 'express'
import { estimateTokenCount } from 'tokenx'
import { ApiError } from './api-error.ts'

/** What the proxy reads of a question; the rest is between client and model. */
export interface Asked {
  readonly model: string
  readonly temperature: unknown
  /** Estimated. */
  readonly promptTokens: number
  /** What the answer takes at most, as far as the client says. */
  readonly answerTokens: number
}

/** The largest question, in bytes. */
export const largestQuestion = 1_048_576

/** Reserved for the answer where the client does not say how long it may be. */
const usualAnswer = 1000

const asked = new WeakMap<Request, Asked>()

/** Reads what is asked. `req.body` holds the bytes, which go upstream as they came. */
export const readAsked: RequestHandler[] = [
  express.raw({ type: 'application/json', limit: largestQuestion }),
  (req, _res, next) => {
    const read = readFrom(req.body)
    if (read === undefined)
      throw new ApiError(400, 'Send JSON: model and messages.', { code: 'invalid_body' })
    asked.set(req, read)
    next()
  },
]

/** What this request asks, once it is read. */
export function askedOf(req: Request): Asked {
  const read = asked.get(req)
  if (read === undefined) throw new Error('The question has not been read yet')
  return read
}

/** What a request reserves: the prompt, which is known, and the longest answer. */
export function estimate(req: Request): number {
  const { promptTokens, answerTokens } = askedOf(req)
  return promptTokens + answerTokens
}

/** Whether the answer would be the same again, or the client wants it to be. */
export function isRepeatable(req: Request): boolean {
  return askedOf(req).temperature === 0 || req.get('x-cache') === 'on'
}

/** The text of all messages; pictures and sound are left out. */
export function textOf(messages: readonly { readonly content?: unknown }[]): string {
  const parts = messages.flatMap(({ content }) =>
    Array.isArray(content) ? content.map((part) => part?.text) : [content],
  )
  return parts.filter((part) => typeof part === 'string').join('\n')
}

function readFrom(body: unknown): Asked | undefined {
  try {
    const told = JSON.parse(String(body))
    const { model, messages, temperature, max_completion_tokens, max_tokens, n } = told
    if (typeof model !== 'string' || model === '' || model.length > 100) return undefined
    const promptTokens = estimateTokenCount(textOf(messages))
    const answer = whole(max_completion_tokens) ?? whole(max_tokens) ?? usualAnswer
    return { model, temperature, promptTokens, answerTokens: answer * (whole(n) ?? 1) }
  } catch {
    return undefined
  }
}

/** What upstream will refuse is not reserved for. */
function whole(value: unknown): number | undefined {
  const fits = Number.isSafeInteger(value) && Number(value) > 0 && Number(value) <= 1_000_000
  return fits ? Number(value) : undefined
}
