import { estimateTokenCount } from 'tokenx'

const [lower, digit, other, space, newline, mark] = [1, 2, 4, 8, 16, 32]
const word = lower | digit | other
const lineFeed = 10

// By code; of tokenx's marks the apostrophe is none.
const kindOf = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  if (character === '\n') return space | newline
  if (/\s/.test(character)) return space
  if (/\d/.test(character)) return digit
  if (/[a-z]/.test(character)) return lower
  return /[!-&(-/:-@[-`{-~]/.test(character) ? mark : other
})

// What a run goes on with, by the kind it begins with: words, space or marks.
const runOf = Uint8Array.from({ length: 64 }, (_, kind) => {
  if ((kind & word) !== 0) return word
  return (kind & space) !== 0 ? space | newline : mark
})

/**
 * About how many tokens a text is, as tokenx estimates it. Text of nothing but ASCII is counted here
 * by the same rules, but in one pass over its bytes: in a tenth of the time, of which a turn of a
 * chat took a sixth for it.
 */
export function estimatedTokens(text: string): number {
  const bytes = asciiOf(text)
  return bytes === undefined ? estimateTokenCount(text) : tokensOf(bytes)
}

const encoder = new TextEncoder()
// Written over each time.
const room = new Uint8Array(65_536)

/** The bytes of a text of nothing but ASCII, until the next is asked for. */
function asciiOf(text: string): Uint8Array | undefined {
  const bytes = text.length <= room.length ? room : new Uint8Array(text.length)
  const { read, written } = encoder.encodeInto(text, bytes)
  return read === text.length && written === read ? bytes.subarray(0, written) : undefined
}

function tokensOf(bytes: Uint8Array): number {
  const { length } = bytes
  let tokens = 0
  let at = 0
  while (at < length) {
    const start = at
    let kinds = kindAt(bytes, at)
    const run = runOf[kinds] ?? 0
    for (at += 1; at < length; at += 1) {
      const kind = kindAt(bytes, at)
      if ((kind & run) === 0) break
      kinds |= kind
    }
    tokens += tokensIn(bytes, start, at, kinds)
  }
  return tokens
}

function kindAt(bytes: Uint8Array, at: number): number {
  return kindOf[bytes[at] ?? 0] ?? 0
}

/** The tokens of one run, from a place up to another. */
function tokensIn(bytes: Uint8Array, from: number, to: number, kinds: number): number {
  const length = to - from
  if ((kinds & space) !== 0) return tokensOfSpace(bytes, from, to, kinds)
  if (kinds === digit) return Math.ceil(length / 3)
  if (length <= 3 || (kinds === lower && length <= 8)) return 1
  return Math.ceil(length / (kinds === mark ? 6 : 7))
}

/** Space counts where it has structure: an indent, an empty line, the end of a line without a mark. */
function tokensOfSpace(bytes: Uint8Array, from: number, to: number, kinds: number): number {
  if ((kinds & newline) === 0) return 0
  if (bytes.indexOf(lineFeed, from) < to - 1) return 1
  return from > 0 && kindAt(bytes, from - 1) === mark ? 0 : 1
}
