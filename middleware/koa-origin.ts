import type { TLSSocket } from 'node:tls'
import type { Context } from 'koa'

// A name or an address, with or without a port: nothing that Koa would cut off or put right.
const plain = /^[\w.-]+(?::\d+)?$/

/**
 * The host that a client has sent, where Koa makes nothing else of it: it splits, trims and looks through
 * each of them, which takes longer than to find a cached answer.
 */
export function hostOf(ctx: Context): string {
  const { host } = ctx.req.headers
  return host !== undefined && isLeftToKoa(ctx, 'host') && plain.test(host) ? host : ctx.host
}

/** The scheme, as Koa finds it. */
export function protocolOf(ctx: Context): string {
  if (!isLeftToKoa(ctx, 'protocol')) return ctx.protocol
  return (ctx.req.socket as TLSSocket).encrypted ? 'https' : 'http'
}

/**
 * Whether Koa looks at nothing but the connection: it trusts no proxy, and neither the application nor
 * a middleware that came first has put something else in its place.
 */
function isLeftToKoa(ctx: Context, name: 'host' | 'protocol'): boolean {
  const { app, req } = ctx
  if (app?.proxy !== false || req.httpVersionMajor !== 1) return false
  if (Object.hasOwn(ctx, name) || Object.hasOwn(ctx.request, name)) return false
  return !Object.hasOwn(app.context, name) && !Object.hasOwn(app.request, name)
}
