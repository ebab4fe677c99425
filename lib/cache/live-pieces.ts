import { decodeEntry, encodeEntry } from './entry.ts'
import { token } from './fields.ts'
import type { LiveHead } from './live.ts'

/**
 * What is told of an answer in the making: its head, then its body piece by piece, then how it ended.
 * `broken`: it broke off, or cannot be followed any more.
 */
export type LivePiece =
  | { readonly kind: 'head'; readonly head: LiveHead; readonly maxBytes: number }
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'complete' | 'broken' }

const codes = { head: 0x68, body: 0x62, complete: 0x63, broken: 0x78 } as const
const frameBytes = 5
const noBytes = Buffer.alloc(0)

/** Pieces in the form they are sent in: of each its kind and its length, then its bytes. */
export function encodePieces(resource: string, pieces: readonly LivePiece[]): Buffer {
  return Buffer.concat(
    pieces.flatMap((piece) => {
      const bytes = payloadOf(resource, piece)
      const frame = Buffer.alloc(frameBytes)
      frame.writeUInt8(codes[piece.kind], 0)
      frame.writeUInt32BE(bytes.length, 1)
      return [frame, bytes]
    }),
  )
}

/**
 * Reads what `encodePieces()` wrote; `undefined` for bytes that are torn, and where the head is not
 * one of this resource that this cache would share. Bodies share the memory of the bytes given.
 */
export function decodePieces(resource: string, bytes: Buffer): readonly LivePiece[] | undefined {
  const pieces: LivePiece[] = []
  let at = 0
  while (at < bytes.length) {
    if (at + frameBytes > bytes.length) return undefined
    const end = at + frameBytes + bytes.readUInt32BE(at + 1)
    if (end > bytes.length) return undefined
    const piece = pieceOf(resource, bytes.readUInt8(at), bytes.subarray(at + frameBytes, end))
    if (piece === undefined) return undefined
    pieces.push(piece)
    at = end
  }
  return pieces.length === 0 ? undefined : pieces
}

function payloadOf(resource: string, piece: LivePiece): Buffer {
  if (piece.kind === 'body') return piece.bytes
  return piece.kind === 'head' ? encodeHead(resource, piece.head, piece.maxBytes) : noBytes
}

function pieceOf(resource: string, code: number, bytes: Buffer): LivePiece | undefined {
  switch (code) {
    case codes.head:
      return decodeHead(resource, bytes)
    case codes.body:
      return bytes.length > 0 ? { kind: 'body', bytes } : undefined
    case codes.complete:
      return bytes.length === 0 ? { kind: 'complete' } : undefined
    case codes.broken:
      return bytes.length === 0 ? { kind: 'broken' } : undefined
    default:
      return undefined
  }
}

function encodeHead(key: string, { entry, names, variant }: LiveHead, maxBytes: number): Buffer {
  const whole = { ...entry, body: noBytes, pieces: undefined }
  const { head } = encodeEntry({ key, variant }, whole)
  return Buffer.from(JSON.stringify({ names, variant, maxBytes, entry: head.toString() }))
}

function decodeHead(key: string, bytes: Buffer): LivePiece | undefined {
  const { names, variant, maxBytes, entry: text } = parse(bytes)
  if (!isNames(names) || !isVariant(variant, names) || !isSize(maxBytes)) return undefined
  if (typeof text !== 'string') return undefined
  const read = decodeEntry({ key, variant }, { head: Buffer.from(text), body: noBytes })
  if (read === undefined) return undefined
  const { body: _body, pieces: _pieces, ...entry } = read
  return { kind: 'head', head: { entry, names, variant }, maxBytes }
}

function parse(bytes: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

const mostNames = 16

/** As `varyNames()` and `learn()` give them. */
function isNames(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || value.length > mostNames) return false
  return value.every((name: unknown, at) => {
    if (typeof name !== 'string' || name === '*' || !token.test(name)) return false
    return name === name.toLowerCase() && (at === 0 || value[at - 1] < name)
  })
}

const digest = /^[\w-]{43}$/

/** As `variantOf()` gives it. */
function isVariant(value: unknown, names: readonly string[]): value is string {
  if (typeof value !== 'string') return false
  return names.length === 0 ? value === '' : digest.test(value)
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}
