import type { ServerResponse } from 'node:http'
import { type Lines, readHead } from './written-head.ts'

/**
 * Sets a cookie that `writeHead` does not take off: Fastify and Hono keep fields of their own until
 * then, and one `Set-Cookie` among them takes the place of all that stood before.
 */
export function setLastingCookie(res: ServerResponse, cookie: string): void {
  res.appendHeader('Set-Cookie', cookie)
  const { writeHead } = res
  res.writeHead = ((...args: unknown[]) =>
    Reflect.apply(writeHead, res, withCookie(args, cookie))) as typeof writeHead
}

function withCookie(args: unknown[], cookie: string): unknown[] {
  const head = readHead(args)
  if (head === undefined) return args
  const isCookie = ([name]: Lines[number]) => name.toLowerCase() === 'set-cookie'
  const given = head.lines.filter(isCookie).flatMap(([, value]) => value)
  if (given.length === 0 || given.includes(cookie)) return args
  const others = head.lines.filter((line) => !isCookie(line))
  // In one line: Node 20 sends the last of those with the same name.
  const lines = [...others.flat(), 'Set-Cookie', [...given, cookie]]
  return head.reason === undefined ? [head.status, lines] : [head.status, head.reason, lines]
}
