import type { ServerResponse } from 'node:http'
import type { Fields } from './exchange.ts'
import { changedFields, standingFields } from './response-fields.ts'

/** Status and fields that stand on a response before it goes out. */
export interface ResponseHead {
  readonly status: number
  readonly message: string | undefined
  readonly fields: Fields
}

/** What stands on a response now. */
export function headOf(res: ServerResponse): ResponseHead {
  const message = speaks(res) ? res.statusMessage : undefined
  return { status: res.statusCode, message, fields: standingFields(res) }
}

/** Gives a response that has not gone out the head that it had. Cookies set since are kept. */
export function takeBack(res: ServerResponse, head: ResponseHead): void {
  if (res.headersSent) return
  putStatus(res, head)
  const now = standingFields(res)
  for (const name of Object.keys(now)) {
    if (name !== 'set-cookie' && !Object.hasOwn(head.fields, name)) res.removeHeader(name)
  }
  for (const [name, value] of Object.entries(changedFields(head.fields, now)))
    if (name !== 'set-cookie') res.setHeader(name, value)
}

/** Puts a head on a response that has none. */
export function putHead(res: ServerResponse, head: ResponseHead): void {
  putStatus(res, head)
  for (const [name, value] of Object.entries(head.fields)) res.setHeader(name, value)
}

function putStatus(res: ServerResponse, { status, message }: ResponseHead): void {
  res.statusCode = status
  if (speaks(res)) Object.assign(res, { statusMessage: message })
}

/** HTTP/2 has no words for a status, and warns who asks for them. */
function speaks({ req }: ServerResponse): boolean {
  return req === undefined || req.httpVersionMajor < 2
}
