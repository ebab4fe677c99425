import type { ServerResponse } from 'node:http'

/** Whether what is written to this response is sent, by its request and status. */
export function hasBody({ req, statusCode }: ServerResponse): boolean {
  return req?.method !== 'HEAD' && statusCode !== 204 && statusCode !== 304
}

/** The bytes that `write` was called with, as a copy: whoever wrote or takes them may change them. */
export function toBytes([chunk, encoding]: readonly unknown[]): Buffer | undefined {
  if (typeof chunk === 'string') {
    const known = typeof encoding === 'string' && Buffer.isEncoding(encoding)
    return Buffer.from(chunk, known ? encoding : 'utf8')
  }
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : undefined
}

/** Whether `end` was called without a last piece. */
export function isNoChunk([chunk]: readonly unknown[]): boolean {
  return chunk === undefined || chunk === null || typeof chunk === 'function'
}
