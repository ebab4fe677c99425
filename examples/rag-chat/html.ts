import { paragraph } from './markdown.ts'
import type { Piece } from './passage.ts'

const blockTag =
  /^(?:h[1-6]|p|div|section|article|main|li|ul|ol|pre|table|tr|blockquote|dl|dt|dd|br|hr)$/u
const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ndash: '–',
  mdash: '—',
  hellip: '…',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  copy: '©',
  times: '×',
  rarr: '→',
}

/** Reads the headings, paragraphs, lists, tables and code of an HTML page. Nothing in it is run. */
export function readHtml(source: string): Piece[] {
  const reader = new Reader()
  const body = source
    .replace(/<!--[\s\S]*?-->|<![a-z][^>]*>/giu, '')
    .replace(/<(script|style|head|nav|footer|svg|template|noscript)\b[\s\S]*?<\/\1\s*>/giu, '')
  for (const [token, closing, tag] of body.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>|[^<]+|</giu)) {
    if (tag === undefined) reader.text(token)
    else if (closing === '/') reader.close(tag.toLowerCase())
    else reader.open(tag.toLowerCase())
  }
  return reader.end()
}

class Reader {
  readonly #pieces: Piece[] = []
  #text = ''
  #code: string | undefined
  #items: string[] = []
  #rows: string[][] = []

  text(source: string): void {
    const text = decode(source)
    if (this.#code === undefined) this.#text += text.replace(/\s+/gu, ' ')
    else this.#code += text
  }

  open(tag: string): void {
    if (tag === 'pre') {
      this.#flush()
      this.#code = ''
    } else if (tag === 'code' && this.#code === undefined) this.#text += '`'
    else if (tag === 'tr') this.#rows.push([])
    else if (tag === 'td' || tag === 'th') this.#text = ''
    else if (blockTag.test(tag)) this.#flush()
  }

  close(tag: string): void {
    const level = /^h([1-6])$/u.exec(tag)?.[1]
    if (level !== undefined) this.#heading(Number(level))
    else if (tag === 'pre') this.#endCode()
    else if (tag === 'code' && this.#code === undefined) this.#text += '`'
    else if (tag === 'li') this.#item()
    else if (tag === 'ul' || tag === 'ol') this.#endList()
    else if (tag === 'td' || tag === 'th') this.#cell()
    else if (tag === 'table') this.#endTable()
    else if (blockTag.test(tag)) this.#flush()
  }

  end(): Piece[] {
    this.#endCode()
    this.#endList()
    this.#endTable()
    this.#flush()
    return this.#pieces
  }

  #take(): string {
    const text = this.#text.trim()
    this.#text = ''
    return text
  }

  #flush(): void {
    if (this.#rows.length > 0 || this.#items.length > 0) return
    const block = paragraph(this.#take())
    if (block) this.#pieces.push(block)
  }

  #heading(level: number): void {
    const text = this.#take()
    if (text !== '') this.#pieces.push({ kind: 'heading', level, text })
  }

  #item(): void {
    const text = this.#take()
    if (text !== '') this.#items.push(`- ${text}`)
  }

  #endList(): void {
    if (this.#items.length > 0) this.#pieces.push({ kind: 'list', items: this.#items })
    this.#items = []
  }

  #endCode(): void {
    const code = this.#code?.replace(/^\n|\s+$/gu, '')
    if (code) this.#pieces.push({ kind: 'code', text: `\`\`\`\n${code}\n\`\`\`` })
    this.#code = undefined
  }

  #cell(): void {
    this.#rows.at(-1)?.push(this.#take().replaceAll('|', '\\|'))
  }

  #endTable(): void {
    const [head, ...rows] = this.#rows
      .filter((row) => row.length > 0)
      .map((cells) => ({ line: `| ${cells.join(' | ')} |`, width: cells.length }))
    this.#rows = []
    if (head === undefined) return
    const line = `|${' --- |'.repeat(head.width)}`
    this.#pieces.push({ kind: 'table', head: [head.line, line], rows: rows.map((row) => row.line) })
  }
}

function decode(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]+));/giu,
    (whole, decimal, hex, name) => {
      if (name !== undefined) return named[String(name).toLowerCase()] ?? whole
      const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
      return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : ''
    },
  )
}
