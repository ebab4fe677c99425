import { ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import type { Body, Fields } from './exchange.ts'

const { end, write } = ServerResponse.prototype

/** Whether what is written goes through others before it goes out: outside stands who compresses, say. */
export function isWrapped(res: ServerResponse): boolean {
  return res.end !== end || res.write !== write
}

/** Answers on Node's own response. */
export function answerRaw(
  res: ServerResponse,
  status: number,
  fields: Fields,
  body: Body | undefined,
): void {
  res.statusCode = status
  for (const name in fields) res.setHeader(name, fields[name] as string | readonly string[])
  // A stream that fails leaves an answer that ends too early: the client notices.
  if (body instanceof Readable) pipeline(body, res, () => undefined)
  else res.end(body)
}
