import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { titleOf } from '../../lib/history/bounds.ts'
import { codecOf } from '../../lib/history/codec.ts'
import { toEntry } from '../../lib/history/message.ts'
import { json } from '../../lib/serializer.ts'

describe('the first title of a session', () => {
  const rules = { maxBytes: 65_536, count: () => 1 }
  const codec = codecOf(json, 'ann')
  const titled = (content: string) => {
    const said = [{ role: 'user', content }] as const
    return titleOf(
      said,
      said.map((message) => toEntry(message, rules, codec)),
    )
  }

  it('is what the user says first, on one line of at most 80 characters', () => {
    const word = fc.string({ minLength: 1, maxLength: 30 })
    const space = fc.constantFrom(' ', '  ', '\n', '\t \n', '\u00a0', ' '.repeat(200))
    const text = fc.array(fc.oneof(word, space), { maxLength: 40 }).map((parts) => parts.join(''))
    const property = fc.property(text, (content) => {
      const line = content.replace(/\s+/g, ' ').trim().slice(0, 80)
      assert.equal(titled(content), line.toWellFormed())
    })
    fc.assert(property, { numRuns: 500 })
  })
})
