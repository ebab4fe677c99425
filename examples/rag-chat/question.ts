/** A question that can be understood alone: its own words, and what it is about. */
export interface Question {
  readonly text: string
  /** Words that the question itself leaves out: its subject, from the turns before. */
  readonly about: string
}

const joint = ' — about: '

/** The question as one text: what is cached, shown and handed to a model. */
export function write({ text, about }: Question): string {
  return about === '' ? text : `${text}${joint}${about}`
}

/** Reads what `write` gives; any other text is a question that names its own subject. */
export function read(standalone: string): Question {
  const at = standalone.lastIndexOf(joint)
  if (at === -1) return { text: standalone, about: '' }
  return { text: standalone.slice(0, at), about: standalone.slice(at + joint.length) }
}

/** The same for questions that differ only in case, spaces and the mark at their end. */
export function sameQuestion(standalone: string): string {
  return standalone
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s]+/gu, ' ')
    .replace(/[?!.\s]+(?=$| — about: )/gu, '')
    .trim()
}
