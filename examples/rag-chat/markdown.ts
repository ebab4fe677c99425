import type { Block, Piece } from './passage.ts'

const fence = /^( {0,3})(`{3,}|~{3,})(.*)$/u
const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/u
const item = /^(\s*)(?:[-*+]|\d{1,9}[.)])\s+\S/u
const rule = /^ {0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$/u
const definition = /^ {0,3}\[[^\]]+\]:\s+\S+/u
const tableRule = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/u

/** Reads the blocks of a Markdown document. Front matter, comments and bare images are left out. */
export function readMarkdown(source: string): Piece[] {
  const lines = source
    .replace(/\r\n?/gu, '\n')
    .replace(/^---\n[\s\S]*?\n---\n/u, '')
    .split('\n')
  const pieces: Piece[] = []
  for (let at = 0; at < lines.length; ) {
    const { piece, next } = readPiece(lines, at)
    if (piece) pieces.push(piece)
    at = next
  }
  return pieces
}

interface Read {
  readonly piece: Piece | undefined
  readonly next: number
}

function readPiece(lines: readonly string[], at: number): Read {
  const line = lines[at] ?? ''
  if (line.trim() === '' || rule.test(line) || definition.test(line))
    return { piece: undefined, next: at + 1 }
  const titled = heading.exec(line)
  if (titled) {
    const piece: Piece = {
      kind: 'heading',
      level: titled[1]?.length ?? 1,
      text: wordsOf(titled[2] ?? ''),
    }
    return { piece, next: at + 1 }
  }
  const reads = readers.find(({ begins }) => begins(line, lines[at + 1] ?? ''))?.reads
  return (reads ?? readParagraph)(lines, at)
}

interface BlockReader {
  begins(line: string, next: string): boolean
  reads(lines: readonly string[], at: number): Read
}

const readers: readonly BlockReader[] = [
  { begins: (line) => line.trimStart().startsWith('<!--'), reads: readComment },
  { begins: (line) => fence.test(line), reads: readCode },
  { begins: (line) => /^(?: {4}|\t)/u.test(line), reads: readIndented },
  {
    begins: (line, next) => line.includes('|') && next.includes('-') && tableRule.test(next),
    reads: readTable,
  },
  { begins: (line) => item.test(line), reads: readList },
]

function readComment(lines: readonly string[], at: number): Read {
  let next = at
  while (next < lines.length && !(lines[next] ?? '').includes('-->')) next++
  return { piece: undefined, next: next + 1 }
}

function readCode(lines: readonly string[], at: number): Read {
  const [, indent = '', marks = '```', language = ''] = fence.exec(lines[at] ?? '') ?? []
  const close = new RegExp(`^ {0,3}${marks[0]}{${marks.length},}\\s*$`, 'u')
  let next = at + 1
  while (next < lines.length && !close.test(lines[next] ?? '')) next++
  const body = lines.slice(at + 1, next).map((line) => withoutIndent(line, indent.length))
  const text = [marks + language.trim(), ...body, marks].join('\n')
  return { piece: { kind: 'code', text }, next: next + 1 }
}

function readIndented(lines: readonly string[], at: number): Read {
  let next = at
  while (next < lines.length && /^(?: {4}|\t|\s*$)/u.test(lines[next] ?? '')) next++
  const body = lines.slice(at, next).map((line) => line.replace(/^(?: {4}|\t)/u, ''))
  return { piece: { kind: 'code', text: ['```', ...trimmed(body), '```'].join('\n') }, next }
}

function readTable(lines: readonly string[], at: number): Read {
  let next = at + 2
  while (next < lines.length && (lines[next] ?? '').includes('|')) next++
  const all = lines.slice(at, next).map((line) => line.trim())
  return { piece: { kind: 'table', head: all.slice(0, 2), rows: all.slice(2) }, next }
}

function readList(lines: readonly string[], at: number): Read {
  const indent = indentOf(lines[at] ?? '')
  const items: string[] = []
  let next = at
  for (; next < lines.length; next++) {
    const line = lines[next] ?? ''
    if (item.test(line) && indentOf(line) <= indent + 1) items.push(line.trim())
    else if (goesOn(lines, next, indent))
      items.push(`${items.pop() ?? ''}\n${withoutIndent(line, indent)}`)
    else break
  }
  return { piece: { kind: 'list', items: items.map((text) => text.trimEnd()) }, next }
}

function goesOn(lines: readonly string[], at: number, indent: number): boolean {
  const line = lines[at] ?? ''
  return line.trim() === '' ? continues(lines, at, indent) : belongs(line, lines[at - 1], indent)
}

// After an empty line a list goes on with another item or with text indented below its last one.
function continues(lines: readonly string[], at: number, indent: number): boolean {
  const next = lines.slice(at).find((line) => line.trim() !== '') ?? ''
  return item.test(next) || indentOf(next) > indent + 1
}

function belongs(line: string, before: string | undefined, indent: number): boolean {
  if (heading.test(line) || (fence.test(line) && indentOf(line) <= indent)) return false
  return indentOf(line) > indent || before?.trim() !== ''
}

function readParagraph(lines: readonly string[], at: number): Read {
  let next = at
  const taken: string[] = []
  for (; next < lines.length; next++) {
    const line = lines[next] ?? ''
    const underlined = taken.length > 0 && /^ {0,3}(=+|-+)\s*$/u.exec(line)
    if (underlined) {
      const level = underlined[1]?.startsWith('=') ? 1 : 2
      return { piece: { kind: 'heading', level, text: wordsOf(taken.join(' ')) }, next: next + 1 }
    }
    if (taken.length > 0 && interrupts(line)) break
    taken.push(line.trim().replace(/^>\s?/u, ''))
  }
  return { piece: paragraph(taken.join(' ')), next }
}

function interrupts(line: string): boolean {
  return (
    line.trim() === '' ||
    heading.test(line) ||
    fence.test(line) ||
    item.test(line) ||
    rule.test(line)
  )
}

/** A paragraph, or nothing where only badges, images and tags stand. */
export function paragraph(text: string): Block | undefined {
  const words = wordsOf(text)
  return words === '' ? undefined : { kind: 'paragraph', text: words }
}

// What stands in code is no mark: `<link>` there is a word.
function wordsOf(text: string): string {
  return text
    .split(/(`+[^`]+`+)/u)
    .map((part, index) => (index % 2 === 1 ? part : withoutTags(part)))
    .join('')
    .replace(/\s+/gu, ' ')
    .trim()
}

function withoutTags(text: string): string {
  return text
    .replace(/\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)/gu, '')
    .replace(/!\[([^\]]*)\]\([^)]*\)/gu, '')
    .replace(/<\/?[a-z][^<>]*>/giu, '')
}

function withoutIndent(line: string, width: number): string {
  return line.slice(Math.min(width, indentOf(line)))
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length
}

function trimmed(lines: readonly string[]): readonly string[] {
  const first = lines.findIndex((line) => line.trim() !== '')
  const last = lines.findLastIndex((line) => line.trim() !== '')
  return lines.slice(Math.max(first, 0), last + 1)
}
