import { EventEmitter } from 'node:events'
import type { Readable } from 'node:stream'
import { ReadableStream, TransformStream } from 'node:stream/web'
import type { Context, Next } from 'koa'
import { captureResponse } from './capture.ts'
import type { Observer } from './exchange.ts'
import { changedFields, standingFields } from './response-fields.ts'
import { onceSent } from './sent.ts'

/**
 * Runs the rest of the chain and tells the observer what it answered: status, fields and body as
 * they stand when `next()` is done, before outer middlewares add to them. A handler that takes the
 * raw response (`ctx.respond = false`) is followed below Koa.
 */
export async function observeContext(ctx: Context, next: Next, observer: Observer): Promise<void> {
  const before = standingFields(ctx.res)
  const below = captureResponse(ctx.res, observer)
  try {
    await next()
  } catch (error) {
    if (below.cancel()) observer.end(false)
    throw error
  }
  if (ctx.respond === false || !below.cancel()) return
  if (ctx.headerSent) {
    observer.end(false)
    return
  }
  const fields = changedFields(standingFields(ctx.res), before)
  const more = observer.head(ctx.status, withMessageType(ctx, fields))
  if (more === false) return
  ctx.set(more as Record<string, string | string[]>)
  observeBody(ctx, untilSent(ctx, observer))
}

/** Koa sends when the middlewares outside are done, and a head may change until its first byte. */
function untilSent({ res }: Context, observer: Observer): Observer {
  return {
    head: (status, fields) => observer.head(status, fields),
    chunk: (bytes) => observer.chunk(bytes),
    end(complete) {
      if (complete) onceSent(res, (whole) => observer.end(whole))
      else observer.end(false)
    },
  }
}

// Statuses whose answers have no body: Koa drops what is there.
const empty = new Set([204, 205, 304])

function observeBody(ctx: Context, observer: Observer): void {
  const body = ctx.body
  if (ctx.method === 'HEAD' || empty.has(ctx.status)) observer.end(true)
  else if (isStream(body)) followStream(ctx, body, observer)
  else if (body instanceof ReadableStream) ctx.body = followWebStream(body, observer)
  else if (body instanceof Response) followResponse(ctx, body, observer)
  else if (body instanceof Blob) followBlob(body, observer)
  else finish(observer, () => wholeBody(ctx, body))
}

/** The bytes that Koa will make of a body that is there already. */
function wholeBody(ctx: Context, body: unknown): Buffer {
  if (isExplicitlyEmpty(ctx)) return Buffer.alloc(0)
  if (body === null || body === undefined) return Buffer.from(messageOf(ctx))
  if (Buffer.isBuffer(body)) return Buffer.from(body)
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

function finish(observer: Observer, read: () => Buffer): void {
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
function withMessageType(ctx: Context, fields: ReturnType<typeof changedFields>): typeof fields {
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

function isStream(body: unknown): body is Readable {
  const { pipe, on } = Object(body) as Partial<Readable>
  return typeof pipe === 'function' && typeof on === 'function'
}

/**
 * Listens to what flows, whoever makes it flow. `stream.on('data')` would start the flow before
 * Koa, or an outer middleware, is there to take it; the emitter's own `on` does not.
 */
function followStream(ctx: Context, stream: Readable, observer: Observer): void {
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

function endOnce(observer: Observer): (complete: boolean) => void {
  let over = false
  return (complete) => {
    if (!over) observer.end(complete)
    over = true
  }
}

function followWebStream(body: ReadableStream, observer: Observer): ReadableStream {
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

function followResponse(ctx: Context, { body }: Response, observer: Observer): void {
  if (body === null) observer.end(true)
  else ctx.body = followWebStream(body as ReadableStream, observer)
}

/** A Blob can be read more than once. */
function followBlob(blob: Blob, observer: Observer): void {
  blob.arrayBuffer().then(
    (bytes) => finish(observer, () => Buffer.from(bytes)),
    () => observer.end(false),
  )
}

function toBytes(chunk: unknown, encoding: BufferEncoding | null | undefined): Buffer | undefined {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding ?? 'utf8')
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : undefined
}
