import { sourceOf } from '../lib/history/formats/native.ts'
import type { Source } from '../lib/history/formats/neutral.ts'
import type { Memory } from '../lib/history/memory.ts'
import type { StoredMessage } from '../lib/history/message.ts'

const longestPage = 1000

/** A stored message as it came in. */
export function toSource(message: StoredMessage): Source {
  return sourceOf(message.id, { ...message })
}

/** Each message as a package knows it; of messages of other formats in a row, what `others` makes of them. */
export function inRuns<Item>(
  messages: readonly StoredMessage[],
  native: (message: StoredMessage) => Item | undefined,
  others: (run: readonly StoredMessage[]) => readonly Item[],
): Item[] {
  const items: Item[] = []
  let run: StoredMessage[] = []
  for (const message of messages) {
    const item = native(message)
    if (item === undefined) run.push(message)
    else {
      items.push(...others(run), item)
      run = []
    }
  }
  return [...items, ...others(run)]
}

/** The newest messages, oldest first, read in pages until `enough` or the beginning. */
export async function newestMessages(
  memory: Memory,
  limit: number,
  enough: (messages: readonly StoredMessage[]) => boolean,
): Promise<readonly StoredMessage[]> {
  let messages: readonly StoredMessage[] = []
  let before: number | undefined
  let asked = limit
  do {
    const from = before === undefined ? {} : { before }
    const page = await memory.history({ limit: Math.min(asked, longestPage), ...from })
    messages = [...page.items, ...messages]
    before = page.next
    asked = longestPage
  } while (before !== undefined && !enough(messages))
  return messages
}
