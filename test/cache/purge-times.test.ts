import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { purgeTimes } from '../../lib/cache/purge-times.ts'

describe('times of purges', () => {
  it('catch what began until then, by any of its marks', () => {
    const times = purgeTimes({ most: 10, keptMs: 5 })
    times.note(['a', 'b'], 100)
    assert.equal(times.isPast(['x', 'b'], 100), true)
    assert.equal(times.isPast(['x', 'b'], 101), false)
    assert.equal(times.isPast(['x'], 1), false)
    assert.deepEqual([times.wasNoted('a', 100), times.wasNoted('a', 101)], [true, false])
  })

  it('take the last purge of a mark', () => {
    const times = purgeTimes({ most: 10, keptMs: 5 })
    times.note(['a'], 100)
    times.note(['a'], 200)
    assert.equal(times.isPast(['a'], 150), true)
  })

  it('let go of the old ones where there are too many: what began before those counts as purged', () => {
    const times = purgeTimes({ most: 3, keptMs: 50 })
    times.note(['a'], 100)
    times.note(['b', 'c'], 200)
    times.note(['d'], 210)
    assert.deepEqual([times.isPast(['x'], 100), times.isPast(['x'], 101)], [true, false])
    assert.equal(times.isPast(['b'], 200), true)
    assert.equal(times.wasNoted('a', 100), false)
  })

  it('let go of all where none is old: whatever began until now counts as purged', () => {
    const times = purgeTimes({ most: 3, keptMs: 50 })
    times.note(['a', 'b', 'c', 'd'], 100)
    assert.deepEqual([times.isPast(['x'], 100), times.isPast(['x'], 100.5)], [true, false])
    assert.equal(times.wasNoted('a', 1), false)
  })

  it('keep a mark that is purged again and again in one place', () => {
    const times = purgeTimes({ most: 3, keptMs: 50 })
    for (let at = 1; at <= 1000; at++) times.note(['a', 'b', 'c'], at)
    assert.equal(times.isPast(['x'], 0), false)
    assert.equal(times.isPast(['a'], 1000), true)
  })

  it('forget on demand, and never turn back', () => {
    const times = purgeTimes({ most: 3, keptMs: 50 })
    times.forget(100)
    times.forget(50)
    assert.deepEqual([times.isPast([], 100), times.isPast([], 101)], [true, false])
  })
})
