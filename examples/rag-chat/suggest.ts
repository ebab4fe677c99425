import { extract } from './answer.ts'
import type { Library } from './library.ts'
import type { Passage } from './passage.ts'

// Asked where the documents answer them: for this repository they do.
const candidates = [
  'How do I limit each user to 10 requests a minute?',
  'What happens when Redis is down?',
  'Which responses are never stored?',
  'How long is a conversation kept?',
]

const most = 4
// Headings that say nothing outside their document.
const bare =
  /^(?:api|usage|example|examples|options|overview|introduction|notes|see also|license|contents|faq|\d.*)$/iu

/** Questions the documents answer well: known ones first, then their own headings. */
export function suggestions(library: Library): string[] {
  const found = new Set<string>()
  for (const text of [...candidates, ...headings(library).map(asQuestion)]) {
    if (found.size === most) break
    if (answers(library, text)) found.add(text)
  }
  return [...found]
}

function answers(library: Library, text: string): boolean {
  const best = library.search({ text, about: '' }, 1)[0]
  return (best?.coverage ?? 0) > 0.9 && extract(library, { text, about: '' }).found
}

// One of each document before a second of any.
function headings({ passages }: Library): string[] {
  const byFile = new Map<string, Passage[]>()
  for (const passage of passages) {
    if (!telling(passage)) continue
    byFile.set(passage.file, [...(byFile.get(passage.file) ?? []), passage])
  }
  for (const each of byFile.values()) each.sort((a, b) => breadth(b) - breadth(a))
  const longest = Math.max(0, ...[...byFile.values()].map((each) => each.length))
  return Array.from({ length: longest }, (_, round) =>
    [...byFile.values()].flatMap((each) => each[round]?.heading ?? []),
  ).flat()
}

// `Passwords` says less of what is asked than `Creating a link`.
function breadth({ heading }: Passage): number {
  return Math.min(2, heading.split(' ').length)
}

function telling({ file, heading, trail, id, blocks }: Passage): boolean {
  const small = heading.length < 4 || heading.length > 60
  const notes = /(?:changelog|license|contributing)/iu.test(`${file} ${heading}`)
  return (
    !small &&
    !notes &&
    trail.length > 1 &&
    !id.includes('~') &&
    blocks.length > 0 &&
    !bare.test(heading)
  )
}

function asQuestion(heading: string): string {
  if (heading.endsWith('?')) return heading
  const words = /^\p{L}\p{Ll}+ing\b/u.test(heading)
    ? heading[0]?.toLowerCase() + heading.slice(1)
    : heading
  return `What should I know about ${words}?`
}
