import { EventEmitter } from 'node:events'
import type { Readable } from 'node:stream'
import { ReadableStream, TransformStream } from 'node:stream/web'
import type { Context } from 'koa'
import type { Observer } from './exchange.ts'
import type { changedFields } from './response-fields.ts'

/** Follows a body. */
export type BodyObserver = Pick<Observer, 'chunk' | 'end'>

// Statuses whose answers have no body: Koa drops what is there.
const empty = new Set([204, 205, 304])

/** Tells the bytes of what stands on the context as its body, as they flow. */
export function observeBody(ctx: Context, observer: BodyObserver): void {
  const body = ctx.body
  if (hasNoBody(ctx)) observer.end(true)
  else if (isStream(body)) followStream(ctx, body, observer)
  else if (body instanceof ReadableStream) ctx.body = followWebStream(body, observer)
  else if (body instanceof Response) followResponse(ctx, body, observer)
  else if (body instanceof Blob) followBlob(body, observer)
  else finish(observer, () => wholeBody(ctx, body))
}

/** Whether Koa sends no body, whatever stands there. */
export function hasNoBody(ctx: Context): boolean {
  return ctx.method === 'HEAD' || empty.has(ctx.status)
}

/** The bytes that Koa will make of a body that is there already. */
function wholeBody(ctx: Context, body: unknown): Buffer {
  if (isExplicitlyEmpty(ctx)) return Buffer.alloc(0)
  if (body === null || body === undefined) return Buffer.from(messageOf(ctx))
  if (Buffer.isBuffer(body)) return Buffer.from(body)
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

function finish(observer: BodyObserver, read: () => Buffer): void {
  let bytes: Buffer
  try {
    bytes = read()
  } catch {
    // Koa fails on the same body in a moment, and says so.
    observer.end(false)
    return
  }
  if (bytes.length > 0) observer.chunk(bytes)
  observer.end(true)
}

/** Koa answers in words where there is a status and no body, and gives them a type as it sends. */
export function withMessageType(
  ctx: Context,
  fields: ReturnType<typeof changedFields>,
): typeof fields {
  const inWords = (ctx.body === null || ctx.body === undefined) && !isExplicitlyEmpty(ctx)
  if (!inWords || empty.has(ctx.status)) return fields
  return { ...fields, 'content-type': 'text/plain; charset=utf-8' }
}

function messageOf(ctx: Context): string {
  return ctx.req.httpVersionMajor >= 2 ? String(ctx.status) : ctx.message || String(ctx.status)
}

function isExplicitlyEmpty(ctx: Context): boolean {
  return (ctx.response as { _explicitNullBody?: boolean })._explicitNullBody === true && !ctx.body
}

/** What Koa takes for a stream. */
export function isStream(body: unknown): body is Readable {
  const { pipe, on } = Object(body) as Partial<Readable>
  return typeof pipe === 'function' && typeof on === 'function'
}

/**
 * Listens to what flows, whoever makes it flow. `stream.on('data')` would start the flow before
 * Koa, or an outer middleware, is there to take it; the emitter's own `on` does not.
 */
function followStream(ctx: Context, stream: Readable, observer: BodyObserver): void {
  const once = endOnce(observer)
  const described = descriptionOf(ctx)
  // Who answers with a stream may describe it when its source does.
  const end = (complete: boolean): void =>
    once(complete && (ctx.body !== stream || descriptionOf(ctx) === described))
  EventEmitter.prototype.on.call(stream, 'data', (chunk: unknown) => {
    const bytes = toBytes(chunk, stream.readableEncoding)
    if (bytes) observer.chunk(bytes)
    else end(false)
  })
  stream.on('end', () => end(true))
  stream.on('error', () => end(false))
  stream.on('close', () => end(false))
  ctx.res.once('close', () => end(false))
}

function descriptionOf({ res }: Context): string {
  return JSON.stringify([res.getHeader('content-type'), res.getHeader('content-encoding')])
}

function endOnce(observer: BodyObserver): (complete: boolean) => void {
  let over = false
  return (complete) => {
    if (!over) observer.end(complete)
    over = true
  }
}

function followWebStream(body: ReadableStream, observer: BodyObserver): ReadableStream {
  const end = endOnce(observer)
  const tap = new TransformStream({
    transform(chunk: unknown, controller) {
      const bytes = toBytes(chunk, undefined)
      if (bytes) observer.chunk(bytes)
      else end(false)
      controller.enqueue(chunk)
    },
    flush: () => end(true),
  })
  // A failing source, or a reader that leaves, ends the pipe without a flush.
  body.pipeTo(tap.writable).catch(() => end(false))
  return tap.readable
}

function followResponse(ctx: Context, { body }: Response, observer: BodyObserver): void {
  if (body === null) observer.end(true)
  else ctx.body = followWebStream(body as ReadableStream, observer)
}

/** A Blob can be read more than once. */
function followBlob(blob: Blob, observer: BodyObserver): void {
  blob.arrayBuffer().then(
    (bytes) => finish(observer, () => Buffer.from(bytes)),
    () => observer.end(false),
  )
}

function toBytes(chunk: unknown, encoding: BufferEncoding | null | undefined): Buffer | undefined {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding ?? 'utf8')
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : undefined
}
