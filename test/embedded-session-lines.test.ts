import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { SessionLines } from '../lib/providers/embedded/session-lines.ts'

type Cursor = { readonly at: number; readonly id: string }

const place = fc.record({
  at: fc.integer({ min: 0, max: 5 }),
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
})
const change = fc.oneof(
  fc.record({ what: fc.constant('put' as const), place }),
  fc.record({ what: fc.constant('delete' as const), place }),
)

describe("the lines of an owner's sessions", () => {
  it('are in the order of their activity, whatever was put, moved and deleted', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.option(place), (changes, after) => {
        const lines = new SessionLines()
        const known = new Map<string, number>()
        for (const { what, place } of changes) {
          if (what === 'put') {
            lines.put(place, `key of ${place.id}`)
            known.set(place.id, place.at)
          } else assert.equal(lines.delete(place.id), known.delete(place.id))
        }
        const sorted = [...known].map(([id, at]) => ({ id, at })).sort(order)
        const behind = sorted.filter((each) => after === null || order(each, after) > 0)
        assert.deepEqual(
          [...lines.keys(after ?? undefined)],
          behind.map(({ id }) => `key of ${id}`),
        )
        assert.equal(lines.size, known.size)
      }),
    )
  })

  it('go on behind one that is deleted as it is handed out', () => {
    const lines = new SessionLines()
    for (const id of ['a', 'b', 'c']) lines.put({ at: 1, id }, id)
    const found: string[] = []
    for (const key of lines.keys()) {
      lines.delete(key)
      found.push(key)
    }
    assert.deepEqual(found, ['c', 'b', 'a'])
    assert.equal(lines.size, 0)
  })
})

function order(one: Cursor, other: Cursor): number {
  if (one.at !== other.at) return other.at - one.at
  return one.id === other.id ? 0 : one.id < other.id ? 1 : -1
}
