import { setTimeout as sleep } from 'node:timers/promises'

// Half a row of a table looks like something else, and so does a head without its line.
const group = /\s*^\|.*(?:\n\|[-:| ]+$)?|\s*\S+|\s+$/gmu

/** Says a text that is there already word by word, and tables row by row, as if it were written now. */
export async function* typed(
  text: string,
  paceMs: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  if (paceMs === 0) {
    yield text
    return
  }
  for (const words of text.match(group) ?? []) {
    yield words
    await sleep(paceMs, undefined, { signal })
  }
}
