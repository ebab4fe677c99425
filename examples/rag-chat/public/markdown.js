import { h, icon } from './dom.js'
import { inline } from './inline.js'

const item = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/u
const fence = /^\s*(`{3,}|~{3,})/u
const tableRule = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/u

/** The blocks of a small Markdown, as elements. A fence that is not closed yet is code already. */
export function blocks(text, cite) {
  const lines = text.replace(/\r\n?/gu, '\n').split('\n')
  const made = []
  for (let at = 0; at < lines.length; ) {
    if (lines[at].trim() === '') {
      at++
      continue
    }
    const { element, next } = readBlock(lines, at, cite)
    made.push(element)
    at = next
  }
  return made
}

function readBlock(lines, at, cite) {
  const line = lines[at]
  const heading = /^\s{0,3}(#{1,6})\s+(.*?)\s*#*$/u.exec(line)
  if (heading) {
    const name = heading[1].length < 3 ? 'h3' : 'h4'
    return { element: h(name, null, inline(heading[2], cite)), next: at + 1 }
  }
  if (fence.test(line)) return readCode(lines, at)
  if (line.includes('|') && tableRule.test(lines[at + 1] ?? '') && lines[at + 1].includes('-'))
    return readTable(lines, at, cite)
  if (item.test(line)) return readList(lines, at, cite)
  if (line.trimStart().startsWith('>')) return readQuote(lines, at, cite)
  return readParagraph(lines, at, cite)
}

function readCode(lines, at) {
  const marks = fence.exec(lines[at])[1]
  let next = at + 1
  while (next < lines.length && !lines[next].trim().startsWith(marks)) next++
  return { element: codeBox(lines.slice(at + 1, next).join('\n')), next: next + 1 }
}

function codeBox(source) {
  const said = h('span', null, 'Copy')
  const copy = h('button', { type: 'button', class: 'copy', onclick: copied }, icon('copy'), said)
  async function copied() {
    try {
      await navigator.clipboard.writeText(source)
      said.textContent = 'Copied'
    } catch {
      said.textContent = 'Select and copy by hand'
    }
  }
  // Wide code scrolls: the keyboard must reach it.
  const pre = h(
    'pre',
    { tabindex: '0', role: 'group', 'aria-label': 'Code' },
    h('code', null, source),
  )
  return h('div', { class: 'code' }, pre, copy)
}

function readTable(lines, at, cite) {
  let next = at + 2
  while (next < lines.length && lines[next].includes('|')) next++
  const head = cellsOf(lines[at]).map((cell) => h('th', { scope: 'col' }, inline(cell, cite)))
  const rows = lines.slice(at + 2, next).map((line) =>
    h(
      'tr',
      null,
      cellsOf(line).map((cell) => h('td', null, inline(cell, cite))),
    ),
  )
  const table = h('table', null, h('thead', null, h('tr', null, head)), h('tbody', null, rows))
  const box = { class: 'table', tabindex: '0', role: 'group', 'aria-label': 'Table' }
  return { element: h('div', box, table), next }
}

function cellsOf(line) {
  const trimmed = line
    .trim()
    .replace(/^\|/u, '')
    .replace(/(?<!\\)\|$/u, '')
  return trimmed.split(/(?<!\\)\|/u).map((cell) => cell.trim().replaceAll('\\|', '|'))
}

function readList(lines, at, cite) {
  const [, indent, marker] = item.exec(lines[at])
  const ordered = isOrdered(marker)
  const items = []
  let next = at
  for (; next < lines.length; next++) {
    const found = item.exec(lines[next])
    if (found && found[1].length <= indent.length + 1) {
      if (isOrdered(found[2]) !== ordered) break
      items.push([found[3]])
    } else if (belongs(lines, next, indent.length))
      items.at(-1).push(lines[next].slice(indent.length + 2))
    else break
  }
  const made = items.map((inner) => h('li', null, itemContent(inner, cite)))
  const start = ordered ? Number.parseInt(marker, 10) : undefined
  return { element: h(ordered ? 'ol' : 'ul', { start }, made), next }
}

function isOrdered(marker) {
  return /\d/u.test(marker)
}

// An item of one paragraph is only its words.
function itemContent(lines, cite) {
  return blocks(lines.map((line) => line.replace(/^ {1,2}(?=\S)/u, '')).join('\n'), cite).flatMap(
    (element) => (element.localName === 'p' ? [...element.childNodes, ' '] : [element]),
  )
}

function belongs(lines, at, indent) {
  const line = lines[at]
  if (line.trim() !== '') return line.length - line.trimStart().length > indent
  const next = lines[at + 1] ?? ''
  return next.trim() !== '' && (next.length - next.trimStart().length > indent || item.test(next))
}

function readQuote(lines, at, cite) {
  let next = at
  while (next < lines.length && lines[next].trimStart().startsWith('>')) next++
  const inner = lines.slice(at, next).map((line) => line.replace(/^\s*>\s?/u, ''))
  return { element: h('blockquote', null, blocks(inner.join('\n'), cite)), next }
}

function readParagraph(lines, at, cite) {
  let next = at + 1
  while (next < lines.length && lines[next].trim() !== '' && !begins(lines[next])) next++
  const words = lines.slice(at, next).map((line) => line.trim())
  return { element: h('p', null, inline(words.join(' '), cite)), next }
}

function begins(line) {
  return fence.test(line) || item.test(line) || /^\s{0,3}#{1,6}\s/u.test(line)
}
