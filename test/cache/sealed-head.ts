import { createHash } from 'node:crypto'

const digestLength = 43

/** What the head of a stored entry says. */
export function headSaid(head: Uint8Array): Record<string, unknown> {
  return JSON.parse(Buffer.from(head).toString('utf8', digestLength))
}

/** A head that says this, with the digest that a writer of it and this body would have given. */
export function sealedHead(said: object, body: Uint8Array): Buffer {
  return fittingHead(
    Buffer.concat([Buffer.alloc(digestLength), Buffer.from(JSON.stringify(said))]),
    body,
  )
}

/** The head with the digest that fits to its text and this body. */
export function fittingHead(head: Uint8Array, body: Uint8Array): Buffer {
  const text = Buffer.from(head).subarray(digestLength)
  const digest = createHash('sha256').update(text).update(body).digest('base64url')
  return Buffer.concat([Buffer.from(digest), text])
}
