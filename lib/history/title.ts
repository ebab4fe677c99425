import type { SessionKeys } from '../keys.ts'
import { keepAfterthought } from './afterthought.ts'
import type { Codec } from './codec.ts'
import type { Growth } from './growth.ts'
import { toMessage } from './message.ts'
import type { MemoryRules, TitleOf } from './scope.ts'
import { cleanTitle } from './session-changes.ts'
import { withinMs } from './within.ts'

const longestMs = 30_000
/** An answer that comes later is not looked at: it is not the first. */
const firstMessages = 100

/** Titles a session once its first answer is stored; a title that is there stays. */
export async function titleFirstAnswer(
  rules: MemoryRules & { readonly title: TitleOf },
  codec: Codec,
  keys: SessionKeys,
  { seq, added, entries }: Growth,
): Promise<void> {
  const { history, title } = rules
  const before = seq - added
  if (before >= firstMessages || !entries.some(({ role }) => role === 'a')) return
  const range = { limit: seq, before: seq + 1, ttlMs: undefined }
  const read = await history.read(keys, range)
  const answer = read.entries.find(({ role }) => role === 'a')
  if (read.meta?.title !== undefined || answer === undefined || answer.seq <= before) return
  const messages = read.entries.map((entry) => toMessage(entry, codec))
  const given = await withinMs(longestMs, 'The title', async () => title(messages))
  const firstTitle = codec.encode('~title', cleanTitle(given))
  await keepAfterthought(rules, keys, answer, { firstTitle })
}
