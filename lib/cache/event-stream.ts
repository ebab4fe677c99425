import { type Fields, lineOf } from './fields.ts'

const streamed = /^(?:text\/event-stream|application\/(?:x-)?(?:ndjson|jsonl|jsonlines))$/i

/** Whether an answer is read piece by piece: Server-Sent Events, or JSON in lines. */
export function isStream(fields: Fields): boolean {
  const [type = ''] = (lineOf(fields, 'content-type') ?? '').split(';')
  return streamed.test(type.trim())
}

/**
 * What comes after the event with this id, as `Last-Event-ID` gives it; `undefined` where there is
 * none. Where later events have no id of their own, it is the first that counts: they come again.
 */
export function afterEvent(body: Buffer, id: string): Buffer | undefined {
  if (id === '') return undefined
  const end = createEventSearch(id).feed(body)
  return end === undefined ? undefined : body.subarray(end)
}

/**
 * Cuts what comes before the end of the event with this id off a stream that is given piece by piece:
 * nothing of a piece before it. The empty id stands for none: all is given.
 */
export function eventCursor(id: string): (chunk: Buffer) => Buffer | undefined {
  if (id === '') return (chunk) => chunk
  const search = createEventSearch(id)
  return (chunk) => {
    const end = search.feed(chunk)
    return end === undefined ? undefined : chunk.subarray(end)
  }
}

/** Looks for the end of an event in a stream that comes in pieces. */
interface EventSearch {
  /** Where in this piece that stands which comes after the event; `undefined` while it has not come. */
  feed(chunk: Buffer): number | undefined
}

const lf = 10
const cr = 13
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])
// `id`, a colon, and the one space that may follow it.
const fieldBytes = 4

/** Reads event streams as WHATWG HTML, section 9.2.6, tells, as far as ids are concerned. */
function createEventSearch(id: string): EventSearch {
  // Browsers send the field in UTF-8; node:http gives its bytes as Latin-1.
  const wanted = [Buffer.from(id, 'latin1'), Buffer.from(id, 'utf8')]
  // Of a line so much is kept as an id that is looked for can take, and one byte more.
  const line = Buffer.alloc(Math.max(...wanted.map(({ length }) => length)) + fieldBytes + 4)
  const state = { line, length: 0, hasNull: false, start: true, afterCr: false, current: false }
  let found = false

  /** True where the line ends the event that is looked for. */
  function endLine(): boolean {
    const text = state.line.subarray(0, Math.min(state.length, state.line.length))
    const mark = state.start && text.subarray(0, 3).equals(byteOrderMark) ? 3 : 0
    const empty = state.length === mark
    if (!empty && !state.hasNull) {
      const value = idIn(text.subarray(mark))
      if (value) state.current = wanted.some((each) => each.equals(value))
    }
    state.start = false
    state.length = 0
    state.hasNull = false
    return empty && state.current
  }

  /** True where the byte ends the event that is looked for. */
  function read(byte: number): boolean {
    const secondOfTwo = byte === lf && state.afterCr
    state.afterCr = byte === cr
    if (secondOfTwo) return false
    if (byte === lf || byte === cr) return endLine()
    if (byte === 0) state.hasNull = true
    if (state.length < state.line.length) state.line[state.length] = byte
    state.length += 1
    return false
  }

  return {
    feed(chunk) {
      let at = 0
      while (!found && at < chunk.length) {
        found = read(chunk[at] ?? 0)
        at += 1
      }
      if (!found) return undefined
      // The rest of a line end that two bytes make.
      if (state.afterCr && at < chunk.length) {
        state.afterCr = false
        if (chunk[at] === lf) at += 1
      }
      return at
    },
  }
}

const idName = Buffer.from('id')
const colon = 58
const space = 32

/** The value of a line that sets the id; `undefined` for every other line. */
function idIn(line: Buffer): Buffer | undefined {
  if (!line.subarray(0, 2).equals(idName)) return undefined
  if (line.length === 2) return line.subarray(2)
  if (line[2] !== colon) return undefined
  return line.subarray(line[3] === space ? 4 : 3)
}
