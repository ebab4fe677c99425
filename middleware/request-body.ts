import type { IncomingMessage, ServerResponse } from 'node:http'

/** The body of a request, as far as it can be known without taking it from the handler. */
export type RequestBody =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** What a parser before us made of it. */
  | { readonly kind: 'parsed'; readonly value: object }
  | { readonly kind: 'unknown'; readonly why: 'body' | 'multipart' | 'size' }

const seen = new WeakMap<IncomingMessage, Buffer>()

/** Whether the client says that a body follows. */
export function hasBody(req: IncomingMessage): boolean {
  const { headers } = req
  if (followsOnStream(req)) return true
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** Whether there is no body, or it has been read: `requestBody()` waits for nothing then. */
export function isBodyRead(req: IncomingMessage): boolean {
  return !hasBody(req) || seen.has(req) || req.readableDidRead || req.readableEnded
}

/** HTTP/2 ends a request where it will, and needs no field to say that a body follows. */
function followsOnStream(req: IncomingMessage): boolean {
  if (req.httpVersionMajor < 2) return false
  const { stream } = req as { readonly stream?: { readonly endAfterHeaders?: boolean } }
  return stream?.endAfterHeaders !== true
}

/**
 * Gives the body of a request: `parsed` where a parser has taken it from the stream, else its bytes,
 * which stay in the stream for whoever reads it next.
 */
export async function requestBody(
  { req, res }: { readonly req: IncomingMessage; readonly res: ServerResponse },
  parsed: unknown,
  max: number,
): Promise<RequestBody> {
  if (!hasBody(req)) return { kind: 'bytes', bytes: Buffer.alloc(0) }
  // What is put back on a stream of HTTP/2 does not come out of it again.
  if (followsOnStream(req)) return { kind: 'unknown', why: 'body' }
  if (/^\s*multipart\//i.test(req.headers['content-type'] ?? ''))
    return { kind: 'unknown', why: 'multipart' }
  if (Number(req.headers['content-length'] ?? 0) > max) return { kind: 'unknown', why: 'size' }
  const known = seen.get(req)
  if (known) return bounded(known, max)
  if (req.readableDidRead || req.readableEnded) return fromParsed(req, parsed, max)
  const body = await peek(req, max)
  if (body.kind === 'unknown') letGo(req, res)
  return body
}

function bounded(bytes: Buffer, max: number): RequestBody {
  return bytes.length > max ? { kind: 'unknown', why: 'size' } : { kind: 'bytes', bytes }
}

/**
 * Node drops a body that nobody has touched when the response is done. It takes ours for touched, and
 * the rest of a body that nobody reads would block the connection.
 */
function letGo(req: IncomingMessage, res: ServerResponse): void {
  res.once('finish', () => {
    if (!req.readableEnded && !req.readableFlowing) req.resume()
  })
}

/**
 * A parser that did not know the type leaves an empty object behind: all such bodies would look
 * alike, so an empty object must come from an empty body.
 */
function fromParsed(req: IncomingMessage, parsed: unknown, max: number): RequestBody {
  if (typeof parsed === 'string') return bounded(Buffer.from(parsed), max)
  if (parsed instanceof Uint8Array) return bounded(Buffer.from(parsed), max)
  if (typeof parsed !== 'object' || parsed === null) return { kind: 'unknown', why: 'body' }
  const blank = Object.keys(parsed).length === 0 && Number(req.headers['content-length'] ?? 3) > 2
  return blank ? { kind: 'unknown', why: 'body' } : { kind: 'parsed', value: parsed }
}

/**
 * Reads the body and leaves it in the stream. What has come already is taken out and put back before
 * `end` can be emitted; what is still to come is watched on its way in, so that the stream never
 * flows and never ends before its reader is there.
 */
async function peek(req: IncomingMessage, max: number): Promise<RequestBody> {
  const taken = req.readableFlowing || req.listenerCount('readable') > 0
  if (taken || req.destroyed || req.readableEncoding) return { kind: 'unknown', why: 'body' }
  const first = putBack(req)
  const rest = first.length <= max ? await watch(req, first, max) : 'size'
  if (typeof rest === 'string') return { kind: 'unknown', why: rest }
  seen.set(req, rest)
  return { kind: 'bytes', bytes: rest }
}

function putBack(req: IncomingMessage): Buffer {
  const buffered: Buffer | null = req.readableLength > 0 ? req.read() : null
  if (buffered === null) return Buffer.alloc(0)
  req.unshift(buffered)
  return Buffer.from(buffered)
}

function watch(
  req: IncomingMessage,
  first: Buffer,
  max: number,
): Promise<Buffer | 'body' | 'size'> {
  if (req.complete) return Promise.resolve(first)
  return new Promise((resolve) => {
    const parts = [first]
    let size = first.length
    const end = (result: Buffer | 'body' | 'size'): void => {
      Reflect.deleteProperty(req, 'push')
      req.off('close', gone)
      resolve(result)
    }
    const gone = (): void => end('body')
    req.once('close', gone)
    const push = req.push
    req.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
      const wantsMore = Reflect.apply(push, req, [chunk, encoding])
      size += chunk?.length ?? 0
      if (size > max) end('size')
      else if (chunk === null) end(Buffer.concat(parts))
      else parts.push(Buffer.from(chunk))
      // Nobody reads yet: saying no would keep the rest of the body on the socket.
      return size > max ? wantsMore : true
    }
  })
}
