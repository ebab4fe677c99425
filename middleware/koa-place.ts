import type { Context, Middleware } from 'koa'
import { isOurs } from './compose.ts'

const slot: unique symbol = Symbol.for('memoryware.passed') as never

interface Carrier {
  /** How many of our middlewares this request has come past. */
  [slot]?: number
}

/** Tells that a request goes on to what stands behind one of our middlewares. */
export function goesOn(ctx: Context): void {
  const carrier = ctx as Carrier
  carrier[slot] = (carrier[slot] ?? 0) + 1
}

/**
 * Whether nobody stands outside of a middleware of ours who could look at its answer: the application
 * calls it first, or behind others of ours alone. One that is called from elsewhere too, a router say,
 * has been passed by then.
 */
export function isOutermost(ctx: Context, middleware: Middleware): boolean {
  const passed = (ctx as Carrier)[slot] ?? 0
  const chain: readonly unknown[] | undefined = ctx.app?.middleware
  if (chain?.[passed] !== middleware) return false
  for (let at = 0; at < passed; at += 1) {
    if (!isOurs(chain[at])) return false
  }
  return true
}
