/** How many levels arrays and maps may be nested. */
export const deepest = 1000

/** How many elements arrays and maps may have in sum: each takes a byte, but in memory up to 64. */
export const mostElements = 2_000_000

/** What is worth knowing of a value before it is read. */
export interface Form {
  /** A key is `__proto__`. */
  readonly hasProto: boolean
}

/**
 * Walks MessagePack bytes without making anything of them: one whole value, of the forms JSON has,
 * with dates and bytes. Extensions, which may stand for anything, are refused, dates excepted.
 *
 * @throws SyntaxError for anything else, however long or deep it says it is.
 */
export function checkForm(bytes: Buffer): Form {
  const outer: Level[] = []
  let level: Level | undefined = { isMap: false, left: 1 }
  let hasProto = false
  let at = 0
  const most = { left: mostElements }
  while (level) {
    if (level.left === 0) {
      level = outer.pop()
      continue
    }
    level.left -= 1
    const head = headAt(bytes, at)
    if (isKey(level) && isProto(bytes, head)) hasProto = true
    const inner = insideOf(head, most)
    at = inner ? head.from : head.from + head.size
    if (inner === undefined) continue
    enter(outer, level)
    level = inner
  }
  if (at !== bytes.length) throw broken('an end elsewhere')
  return { hasProto }
}

interface Level {
  readonly isMap: boolean
  /** Values to come; in a map, a key and its value are two. */
  left: number
}

type Kind = 'text' | 'array' | 'map' | 'other'

interface Head {
  readonly kind: Kind
  /** Where its content begins. */
  readonly from: number
  /** Bytes of content; of an array or map, its elements. */
  readonly size: number
}

function enter(outer: Level[], level: Level): void {
  if (outer.push(level) > deepest) throw broken('too deep')
}

function isKey({ isMap, left }: Level): boolean {
  return isMap && left % 2 === 1
}

function insideOf({ kind, size }: Head, most: { left: number }): Level | undefined {
  if (kind !== 'map' && kind !== 'array') return undefined
  const isMap = kind === 'map'
  const left = isMap ? size * 2 : size
  most.left -= left
  if (most.left < 0) throw broken('too many elements')
  return { isMap, left }
}

function headAt(bytes: Buffer, at: number): Head {
  const token = bytes[at]
  if (token === undefined) throw broken('an early end')
  const from = at + 1
  if (token < 0x80 || token >= 0xe0) return { kind: 'other', from, size: 0 }
  if (token < 0x90) return { kind: 'map', from, size: token & 15 }
  if (token < 0xa0) return { kind: 'array', from, size: token & 15 }
  if (token < 0xc0) return { kind: 'text', from, size: token & 31 }
  const sized = lengths[token]
  if (sized) {
    const [kind, width] = sized
    if (from + width > bytes.length) throw broken('an early end')
    return { kind, from: from + width, size: bytes.readUIntBE(from, width) }
  }
  const size = sizes[token]
  if (size === undefined || (dates[token] ?? []).some((byte, n) => bytes[from + n] !== byte))
    throw broken('a form that is not known')
  return { kind: 'other', from, size }
}

/** Kind, and bytes of the length that follows. */
const lengths: Readonly<Record<number, readonly [kind: Kind, width: number]>> = {
  196: ['other', 1],
  197: ['other', 2],
  198: ['other', 4],
  217: ['text', 1],
  218: ['text', 2],
  219: ['text', 4],
  220: ['array', 2],
  221: ['array', 4],
  222: ['map', 2],
  223: ['map', 4],
}

/** Bytes that follow: null, false, true, numbers, dates. */
const sizes: Readonly<Record<number, number>> = {
  192: 0,
  194: 0,
  195: 0,
  202: 4,
  203: 8,
  204: 1,
  205: 2,
  206: 4,
  207: 8,
  208: 1,
  209: 2,
  210: 4,
  211: 8,
  214: 5,
  215: 9,
  199: 14,
}

/** What stands after the first byte of a date: extension type -1. */
const dates: Readonly<Record<number, readonly number[]>> = {
  214: [0xff],
  215: [0xff],
  199: [12, 0xff],
}

const proto = Buffer.from('__proto__')

function isProto(bytes: Buffer, { kind, from, size }: Head): boolean {
  if (kind !== 'text') throw broken('a key that is no text')
  return size === proto.length && bytes.compare(proto, 0, size, from, from + size) === 0
}

function broken(what: string): SyntaxError {
  return new SyntaxError(`Not what is written in MessagePack: ${what}`)
}
