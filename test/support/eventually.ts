import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again until the answer is a value, and gives it; an error counts as no answer yet. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  { withinMs = 30_000, everyMs = 25 } = {},
): Promise<T> {
  const end = performance.now() + withinMs
  for (;;) {
    const [answer, error] = await ask().then(
      (value) => [value, undefined] as const,
      (reason: unknown) => [undefined, reason] as const,
    )
    if (answer !== undefined) return answer
    if (performance.now() > end)
      throw new Error(`Not within ${withinMs} ms: ${what}`, { cause: error })
    await sleep(everyMs)
  }
}
