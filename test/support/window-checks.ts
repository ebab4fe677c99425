import assert from 'node:assert/strict'
import fc from 'fast-check'
import { encodeMessageId } from '../../lib/history/message-id.ts'
import { conversations, messagesOf, soundConversations } from './conversations.ts'
import { contextOfLog, storedLog } from './stored-log.ts'
import { type Form, faultsIn, forms } from './validators/faults.ts'

/** What conversations are stored as. */
export const stored: readonly (Form | 'mixed')[] = [...forms, 'mixed']

const sizes = fc.record({
  messages: fc.integer({ min: 1, max: 30 }),
  tokens: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
  trimmed: fc.nat(12),
  summary: fc.option(fc.constant('they have met'), { nil: undefined }),
})

/** Throws for a window, in any form, that its provider would refuse, or that has lost what it must hold. */
export function checkWindows(format: Form | 'mixed', runs: number): void {
  const property = fc.property(conversations, sizes, (made, { trimmed, summary, ...size }) => {
    const messages = messagesOf(made, format)
    const log = storedLog(messages, { trimmed, ...(summary && { summary }) })
    const raw = contextOfLog(log, 'raw', size)
    const newest = log.entries.findLast(({ role }) => role === 'u')
    assert.ok(
      newest === undefined || raw.messages.some(({ id }) => encodeMessageId(id) === newest.id),
      'newest',
    )
    for (const as of forms) {
      const context = contextOfLog(log, as, size)
      const text = JSON.stringify(context)
      assert.deepEqual(faultsIn[as](context.messages), [], `${as}: ${text}`)
      assert.equal(context.tokens, raw.tokens)
      for (const said of questionsIn(raw.messages)) assert.match(text, said, as)
      if (raw.messages[0]?.role === 'system') assert.match(text, /rule \d/)
    }
  })
  fc.assert(property, { numRuns: runs })
}

/** Each question, as a word. */
function questionsIn(messages: readonly unknown[]): RegExp[] {
  const text = JSON.stringify(messages)
  return [...new Set(text.match(/"q\d+"/g))].map((said) => new RegExp(said))
}

/** Throws where messages do not come out as they went in. */
export function checkRoundTrips(form: Form, runs: number): void {
  const property = fc.property(soundConversations, (made) => {
    const messages = messagesOf(made, form)
    const { messages: out } = contextOfLog(storedLog(messages), form, { messages: 1000 })
    assert.deepEqual(out, messages)
  })
  fc.assert(property, { numRuns: runs })
}
