import { estimateTokenCount } from 'tokenx'

const [lower, digit, other, space, newline, mark] = [1, 2, 4, 8, 16, 32]
const word = lower | digit | other

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
 * by the same rules, but in one pass: in a tenth of the time, of which a turn of a chat took a sixth
 * for it.
 */
export function estimatedTokens(text: string): number {
  let tokens = 0
  let at = 0
  while (at < text.length) {
    const start = at
    let kinds = kindAt(text, at)
    const run = runOf[kinds] ?? 0
    if (run === 0) return estimateTokenCount(text)
    for (at += 1; at < text.length; at += 1) {
      const kind = kindAt(text, at)
      if ((kind & run) === 0) break
      kinds |= kind
    }
    tokens += tokensIn(text, start, at, kinds)
  }
  return tokens
}

// Its own kind, which no run goes on with, is that of all beyond ASCII.
const beyond = 64

function kindAt(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code < 128 ? (kindOf[code] ?? beyond) : beyond
}

/** The tokens of one run, from a place up to another. */
function tokensIn(text: string, from: number, to: number, kinds: number): number {
  const length = to - from
  if ((kinds & space) !== 0) return tokensOfSpace(text, from, to, kinds)
  if (kinds === digit) return Math.ceil(length / 3)
  if (length <= 3 || (kinds === lower && length <= 8)) return 1
  return Math.ceil(length / (kinds === mark ? 6 : 7))
}

/** Space counts where it has structure: an indent, an empty line, the end of a line without a mark. */
function tokensOfSpace(text: string, from: number, to: number, kinds: number): number {
  if ((kinds & newline) === 0) return 0
  if (text.indexOf('\n', from) < to - 1) return 1
  return from > 0 && kindOf[text.charCodeAt(from - 1)] === mark ? 0 : 1
}
