import type { ServerResponse } from 'node:http'
import { publish } from '../lib/telemetry.ts'
import type { Observer } from './exchange.ts'
import { SinkSocket } from './sink-socket.ts'

/** Whether the observer answers in the place of what failed. Never fails itself. */
export function rescues(observer: Observer, error: unknown): boolean {
  try {
    return observer.rescue?.(error) ?? false
  } catch (failure) {
    publish('error', () => ({ during: 'cache rescue', error: failure }))
    return false
  }
}

const afterHead = [
  'setHeader',
  'setHeaders',
  'appendHeader',
  'removeHeader',
  'writeHead',
  'flushHeaders',
]
const afterEnd = ['write', 'end']

/**
 * Has a response pass over what is still done to it once another answer is out. Whoever destroyed it
 * may go on as on a destroyed response, where nothing fails; and who breaks the connection off for
 * that must not break off the answer.
 */
export function settle(res: ServerResponse): void {
  for (const name of afterHead) ignore(res, name, () => res.headersSent)
  for (const name of afterEnd) ignore(res, name, () => res.writableEnded)
  // What fails is destroyed more than once at times; an answer that fails later must be as well.
  let again = true
  setImmediate(() => {
    again = false
  })
  ignore(res, 'destroy', () => again || res.writableEnded)
  shield(res)
}

function ignore(res: ServerResponse, name: string, when: () => boolean): void {
  const original: unknown = Reflect.get(res, name)
  if (typeof original !== 'function') return
  Object.assign(res, {
    [name](...args: unknown[]) {
      if (!when()) return Reflect.apply(original, res, args)
      const done = args.findLast((each) => typeof each === 'function') as (() => void) | undefined
      if (done) process.nextTick(done)
      return name === 'write' ? false : res
    },
  })
}

function shield(res: ServerResponse): void {
  const { req } = res
  const own = Object.getOwnPropertyDescriptor(req, 'socket')
  if (own === undefined) return
  const value = new SinkSocket(req.socket)
  Object.defineProperty(req, 'socket', { ...own, value })
  const giveBack = (): void => void Object.defineProperty(req, 'socket', own)
  // Before the server does what it does for a response that is through.
  res.prependOnceListener('finish', giveBack)
  res.prependOnceListener('close', giveBack)
}
