import type { FilePiece, Origin } from './neutral.ts'
import { someText } from './shape.ts'

interface Found {
  readonly mediaType: string
  readonly name?: unknown
  readonly of: Origin
}

/** A file by its address, which may hold the file itself (`data:image/png;base64,…`). */
export function fileAt(address: string, { mediaType, name, of }: Found): FilePiece {
  const found = /^data:([^;,]*)(?:;[^;,]*)*;base64,/.exec(address.slice(0, 300))
  const file = { kind: 'file', name: someText(name), of } as const
  if (!found) return { ...file, mediaType, url: address }
  return { ...file, mediaType: found[1] || mediaType, base64: address.slice(found[0].length) }
}

/** Address of a file; that of its own bytes where it has no other. */
export function addressOf({ url, base64, mediaType }: FilePiece): string | undefined {
  return url ?? (base64 === undefined ? undefined : `data:${mediaType};base64,${base64}`)
}

/** What stands for a file where it cannot be handed out. */
export function fileMark({ name, url, mediaType }: FilePiece): string {
  return `[${[name, mediaType, url].filter((part) => part !== undefined).join(' ')}]`
}

/** True for an image. */
export function isImage({ mediaType }: FilePiece): boolean {
  return mediaType.startsWith('image/')
}
