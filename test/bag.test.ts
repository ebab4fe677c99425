import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { Bag } from '../lib/bag.ts'

interface Named {
  readonly name: number
  place: number
}

describe('a bag', () => {
  it('holds what a set would, whatever comes and goes', () => {
    const change = fc.record({ adds: fc.boolean(), name: fc.nat(20) })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const bag = new Bag<Named>()
        const set = new Set<Named>()
        const all = Array.from({ length: 21 }, (_, name): Named => ({ name, place: -1 }))
        for (const { adds, name } of changes) {
          const member = all[name]
          assert.ok(member)
          if (adds && !bag.has(member)) {
            bag.add(member)
            set.add(member)
          }
          if (!adds) {
            bag.delete(member)
            set.delete(member)
          }
          assert.equal(bag.size, set.size)
          assert.deepEqual(new Set(bag.filter(() => true)), set)
          assert.deepEqual(
            all.filter((each) => bag.has(each)),
            all.filter((each) => set.has(each)),
          )
        }
      }),
    )
  })
})
