import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { decodeMessageId, encodeMessageId, newMessageId } from '../../lib/history/message-id.ts'
import { parseEventId } from '../../lib/history/stream/event-id.ts'

describe('the id of a message in the store', () => {
  it('is short where it is a UUID, and comes back', () => {
    const property = fc.property(fc.uuid(), (uuid) => {
      const encoded = encodeMessageId(uuid)
      assert.match(encoded, /^~[A-Za-z0-9_-]{22}$/)
      assert.equal(decodeMessageId(encoded), uuid)
      assert.equal(parseEventId(`${encoded}:7`)?.turn, encoded)
    })
    fc.assert(property)
  })

  it('is a random UUID where it is made here', () => {
    const made = Array.from({ length: 1000 }, newMessageId)
    assert.equal(new Set(made).size, made.length)
    for (const id of made) {
      const uuid = decodeMessageId(id)
      assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.equal(encodeMessageId(uuid), id)
    }
  })

  it('comes back, whatever it is, and is never taken for another', () => {
    const odd = fc.constantFrom(
      '~AAAAAAAAAAAAAAAAAAAAAA',
      'AAAAAAAAAAAAAAAAAAAAAA',
      'F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6',
      'f81d4fae7dec11d0a76500a0c91e6bf6',
      '00000000-0000-0000-0000-000000000000',
      '%7EAAAAAAAAAAAAAAAAAAAAAA',
    )
    const id = fc.oneof(odd, fc.string({ minLength: 1, maxLength: 40 }))
    const property = fc.property(id, id, (one, other) => {
      assert.equal(decodeMessageId(encodeMessageId(one)), one)
      assert.equal(encodeMessageId(one) === encodeMessageId(other), one === other)
    })
    fc.assert(property, { numRuns: 500 })
  })

  it('is corrupt where no id is stored as it', () => {
    for (const id of [
      '~AAAAAAAAAAAAAAAAAAAAA%',
      '~AAAAAAAAAAAAAAAAAAAAAé',
      '~.AAAAAAAAAAAAAAAAAAAAA',
    ])
      assert.throws(() => decodeMessageId(id), { reason: 'corrupt' })
  })

  it('is refused where it can name nothing', () => {
    for (const id of ['', 'x'.repeat(200), null, {}])
      assert.throws(() => encodeMessageId(id), { code: 'ERR_REQUEST', status: 400 })
  })
})
