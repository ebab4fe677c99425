import { STATUS_CODES } from 'node:http'
import type { Readable } from 'node:stream'
import { RequestError, StoreError } from '../lib/errors.ts'
import type { Exchange, Fields } from './exchange.ts'

/** What a route answers. */
export interface Answer {
  readonly status: number
  readonly fields?: Fields
  /** Sent as it is; a value of `json` as JSON. */
  readonly body?: Readable | undefined
  readonly json?: unknown
}

/** Answers a request; nobody but this user may keep it. */
export function sendAnswer<Native>(
  exchange: Exchange<Native>,
  { status, fields = {}, body, json }: Answer,
): void {
  const typed = json === undefined ? {} : { 'Content-Type': 'application/json; charset=utf-8' }
  const content = json === undefined ? body : Buffer.from(JSON.stringify(json))
  exchange.answer(status, { 'Cache-Control': 'private, no-store', ...typed, ...fields }, content)
}

/** The answer to what is refused; `undefined` for a failure that is the application's to tell of. */
export function refusalOf(error: unknown): Answer | undefined {
  if (error instanceof RequestError)
    return problem(error.status, error.status === 404 ? undefined : error.message)
  if (error instanceof StoreError) return problem(error.status, undefined, error.headers)
  return undefined
}

/** An `application/problem+json` answer (RFC 9457). */
export function problem(status: number, detail?: string, fields: Fields = {}): Answer {
  const members = { type: 'about:blank', title: STATUS_CODES[status], status, detail }
  return {
    status,
    json: members,
    fields: { 'Content-Type': 'application/problem+json', ...fields },
  }
}
