import type { ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import type { Body, Fields } from './exchange.ts'

/** Answers on Node's own response. */
export function answerRaw(
  res: ServerResponse,
  status: number,
  fields: Fields,
  body: Body | undefined,
): void {
  res.statusCode = status
  for (const [name, value] of Object.entries(fields)) res.setHeader(name, value)
  // A stream that fails leaves an answer that ends too early: the client notices.
  if (body instanceof Readable) pipeline(body, res, () => undefined)
  else res.end(body)
}
