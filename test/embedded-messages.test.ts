import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { type KeptMessage, Messages } from '../lib/providers/embedded/messages.ts'
import { pack } from '../lib/providers/embedded/packed.ts'

const at = (seq: number, id = `m${seq}`, text = 'said'): KeptMessage => ({
  seq,
  id,
  role: 'u',
  tokens: seq,
  packed: pack(Buffer.from(text)),
})

const run = (from: number, count: number) =>
  Array.from({ length: count }, (_, place) => at(from + place))

describe('the messages of a session in this process', () => {
  it('are the same as in an array, however they were added, replaced and read', () => {
    const steps = fc.array(
      fc.record({ added: fc.nat(150), replaced: fc.nat(400), limit: fc.nat(90), end: fc.nat(400) }),
      { minLength: 1, maxLength: 6 },
    )
    const property = fc.property(fc.nat(50), steps, (gone, all) => {
      let list = Messages.of([])
      let array: KeptMessage[] = []
      for (const { added, replaced, limit, end } of all) {
        const more = run(gone + array.length + 1, added)
        list = list.with(more)
        array = [...array, ...more]
        const other = array.at(replaced % (array.length || 1))
        if (other) {
          const changed = at(other.seq, other.id, 'something else')
          list = list.replaced(changed)
          array = array.with(array.indexOf(other), changed)
          assert.deepEqual(list.find(other.id), changed)
        }
        assert.deepEqual(list.all(), array)
        const before = array.filter(({ seq }) => seq < end)
        assert.deepEqual(list.page(limit, end), limit === 0 ? [] : before.slice(-limit))
        assert.equal(
          list.tokens,
          array.reduce((sum, { tokens }) => sum + tokens, 0),
        )
        assert.equal(list.bytes, Messages.of(array).bytes)
        assert.equal(list.length, array.length)
      }
    })
    fc.assert(property, { numRuns: 50 })
  })

  it('stay what they were when more is added', () => {
    const old = Messages.of(run(1, 70))
    const next = old.with(run(71, 70)).replaced(at(3, 'm3', 'something else'))
    assert.deepEqual(old.all(), run(1, 70))
    assert.equal(old.find('m71'), undefined)
    assert.equal(next.length, 140)
  })

  it('are found after others were added in their place, and nobody kept those', () => {
    const old = Messages.of(run(1, 70))
    old.with([at(71, 'refused'), at(72, 'again')])
    const next = old.with([at(71, 'again')])
    assert.equal(next.find('again')?.seq, 71)
    assert.equal(next.find('refused'), undefined)
    assert.equal(old.find('again'), undefined)
  })

  it('are found after many were added that nobody kept', () => {
    const old = Messages.of(run(1, 3))
    for (let turn = 0; turn < 1000; turn += 1) old.with([at(4, `refused ${turn}`)])
    const next = old.with(run(4, 1))
    assert.deepEqual(
      ['m1', 'm4', 'refused 7'].map((id) => next.find(id)?.seq),
      [1, 4, undefined],
    )
  })
})
