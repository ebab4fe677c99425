import type { ServerResponse } from 'node:http'

/** Fields as they are given to `writeHead`: a name may come more than once. */
export type Lines = readonly (readonly [name: string, value: string | readonly string[]])[]

/** What `writeHead` was called with. */
export interface WrittenHead {
  readonly status: number
  readonly reason: string | undefined
  readonly lines: Lines
}

/**
 * Reads the arguments of `writeHead` as `node:http` does, which turns into text whatever it is given.
 * `undefined` for what it refuses, and for what cannot be told.
 */
export function readHead([code, second, third]: unknown[]): WrittenHead | undefined {
  const reason = typeof second === 'string' ? second : undefined
  const given = third ?? (reason === undefined ? second : undefined)
  // `node:http` cuts the fraction off.
  const status = Math.trunc(Number(code))
  const lines = readLines(given)
  const known = status >= 100 && status <= 999
  return known && lines ? { status, reason, lines } : undefined
}

function readLines(given: unknown): Lines | undefined {
  if (given === undefined || given === null) return []
  if (typeof given !== 'object') return undefined
  const lines: [string, string | readonly string[]][] = []
  for (const [name, value] of Array.isArray(given) ? readArray(given) : Object.entries(given)) {
    const text = readValue(value)
    if (typeof name !== 'string' || name === '' || text === undefined) return undefined
    lines.push([name, text])
  }
  return lines
}

/** `[name, value, name, value]` or `[[name, value]]`. */
function readArray(given: readonly unknown[]): [unknown, unknown][] {
  if (Array.isArray(given[0])) return given as [unknown, unknown][]
  const pairs: [unknown, unknown][] = []
  for (let at = 0; at < given.length; at += 2) pairs.push([given[at], given[at + 1]])
  return pairs
}

function readValue(value: unknown): string | readonly string[] | undefined {
  if (!Array.isArray(value)) return readText(value)
  const texts = value.map(readText)
  return texts.every((each) => each !== undefined) ? texts : undefined
}

function readText(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'symbol') return undefined
  return typeof value === 'string' ? value : String(value)
}

/** Sets lines on a response as `writeHead` does: each name replaces what stood there, once. */
export function setLines(res: ServerResponse, lines: Lines): void {
  const seen = new Set<string>()
  for (const [name, value] of lines) {
    if (seen.has(name.toLowerCase())) res.appendHeader(name, value)
    else res.setHeader(name, value)
    seen.add(name.toLowerCase())
  }
}
