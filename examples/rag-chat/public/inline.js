import { h } from './dom.js'

const safeSchemes = new Set(['http:', 'https:', 'mailto:'])

const entities = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: '\u00a0', '#39': "'" }

// Code first: nothing inside it is a mark.
const marks =
  /(`+)(.+?)\1(?!`)|\*\*(.+?)\*\*|(?<![\p{L}\p{N}*])\*([^*\s](?:[^*]*[^*\s])?)\*(?![\p{L}\p{N}*])|(?<![\p{L}\p{N}_])_([^_\s](?:[^_]*[^_\s])?)_(?![\p{L}\p{N}_])|\[(\d{1,2})\](?!\()|\[([^\]]+)\]\(\s*<?([^)\s>]*)>?(?:\s+"[^"]*")?\s*\)|\\([\\`*_{}[\]()#+\-.!|<>~])|&(amp|lt|gt|quot|nbsp|#39);/gu

/** Text with code, bold, emphasis, links and citations, as nodes. `cite` makes those of `[1]`. */
export function inline(text, cite) {
  const nodes = []
  let at = 0
  for (const match of text.matchAll(marks)) {
    const before = text.slice(at, match.index)
    // A citation stays on the line of the word it belongs to.
    if (before !== '') nodes.push(match[6] ? before.replace(/ $/u, '\u00a0') : before)
    nodes.push(nodeOf(match, cite))
    at = match.index + match[0].length
  }
  if (at < text.length) nodes.push(text.slice(at))
  return nodes
}

function nodeOf(match, cite) {
  const [whole, , code, bold, star, underscore, number, label, target, escaped, entity] = match
  if (code !== undefined) return h('code', null, code.replace(/^ (.*) $/u, '$1'))
  if (bold !== undefined) return h('strong', null, inline(bold, cite))
  if (star !== undefined) return h('em', null, inline(star, cite))
  if (underscore !== undefined) return h('em', null, inline(underscore, cite))
  if (number !== undefined) return cite?.(Number(number)) ?? whole
  if (label !== undefined) return link(label, target, cite)
  return escaped ?? entities[entity] ?? whole
}

// A link inside the documents leads nowhere from this page: its words stay.
function link(label, target, cite) {
  const href = safeAddress(target)
  const words = inline(label, cite)
  if (href === undefined) return h('span', null, words)
  return h('a', { href, rel: 'noopener noreferrer', target: '_blank' }, words)
}

/** An address with a scheme that cannot run anything; undefined for any other. */
export function safeAddress(target) {
  if (!/^[a-z][a-z0-9+.-]*:/iu.test(target)) return undefined
  try {
    const url = new URL(target)
    return safeSchemes.has(url.protocol) ? url.href : undefined
  } catch {
    return undefined
  }
}
