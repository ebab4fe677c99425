/** Stands for any run of bytes, and for any one byte: no byte has these numbers. */
const run = -1
const any = -2

/** A byte, `run`, `any`, or a table of 256 flags: the bytes of a class. */
type Step = number | Uint8Array

/**
 * Makes a test for keys from a Redis pattern: `*`, `?`, `[abc]`, `[^a]`, `[a-z]`, and `\` before
 * what stands for itself.
 *
 * Byte for byte what Redis does: `?` is one byte of UTF-8, a range may be reversed, a class that is
 * never closed ends with the pattern. Takes at most pattern times key steps, whatever the pattern.
 */
export function globMatcher(pattern: string): (key: string) => boolean {
  if (pattern === '*') return () => true
  const steps = compile(pattern)
  return (key) => matches(steps, Buffer.from(key))
}

/** After a mismatch only the last `run` needs another try: what it takes more, no earlier one has to. */
function matches(steps: readonly Step[], key: Uint8Array): boolean {
  // Redis never looks at a pattern for the empty key, not even at one of stars.
  if (key.length === 0) return steps.length === 0
  let step = 0
  let afterRun = -1
  let runEnd = 0
  let at = 0
  while (at < key.length) {
    if (steps[step] === run) {
      step += 1
      afterRun = step
      runEnd = at
    } else if (accepts(steps[step], key[at])) {
      step += 1
      at += 1
    } else if (afterRun >= 0) {
      runEnd += 1
      at = runEnd
      step = afterRun
    } else return false
  }
  while (steps[step] === run) step += 1
  return step === steps.length
}

function accepts(step: Step | undefined, byte: number | undefined): boolean {
  if (byte === undefined) return false
  return typeof step === 'object' ? step[byte] === 1 : step === byte || step === any
}

// What is between brackets; a class that is never closed ends with the pattern.
const member = /\\.|[^\]]-.|[^\]]/gs
const token = /\*+|\[\^?(?:\\.|[^\]]-.|[^\]])*\]?|\\?./gs

function compile(pattern: string): Step[] {
  const bytes = Buffer.from(pattern).toString('latin1')
  return (bytes.match(token) ?? []).map(toStep)
}

function toStep(text: string): Step {
  if (text.startsWith('*')) return run
  if (text === '?') return any
  return text.startsWith('[') ? toClass(text) : text.charCodeAt(text.length - 1)
}

function toClass(text: string): Uint8Array {
  const negated = text.startsWith('[^')
  const bytes = new Uint8Array(256)
  for (const each of text.slice(negated ? 2 : 1).match(member) ?? []) {
    if (each.length === 3) addRange(bytes, each.charCodeAt(0), each.charCodeAt(2))
    else bytes[each.charCodeAt(each.length - 1)] = 1
  }
  return negated ? bytes.map((flag) => 1 - flag) : bytes
}

/** Redis compares the ends as C's signed `char`: a byte above 127 comes before all others. */
function addRange(bytes: Uint8Array, one: number, other: number): void {
  const [first, last] = [signed(one), signed(other)].sort((a, b) => a - b) as [number, number]
  for (let value = first; value <= last; value += 1) bytes[value & 255] = 1
}

function signed(byte: number): number {
  return byte > 127 ? byte - 256 : byte
}
