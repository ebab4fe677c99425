import { setTimeout as sleep } from 'node:timers/promises'

/** Says a text that is there already word by word, as somebody would who writes it. */
export async function* typed(
  text: string,
  paceMs: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  if (paceMs === 0) {
    yield text
    return
  }
  for (const word of text.match(/\s*\S+\s*$|\s*\S+/gu) ?? []) {
    yield word
    await sleep(paceMs, undefined, { signal })
  }
}
