import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { coresOf, coresText } from '../../bench/cores.ts'

describe('the cores of the benchmark', () => {
  const alone = () => []

  it('are the first two that this process may use', () => {
    const printed = "pid 7's current affinity list: 2-4,7\n"
    assert.deepEqual(coresOf(printed, alone), { servers: 2, load: 3 })
  })

  it('share no hardware where that can be had', () => {
    const printed = "pid 7's current affinity list: 0-3"
    assert.deepEqual(
      coresOf(printed, () => [0, 1]),
      { servers: 0, load: 2 },
    )
    assert.deepEqual(
      coresOf(printed, () => [0, 1, 2, 3]),
      { servers: 0, load: 1 },
    )
  })

  it('are not kept apart where there is one', () => {
    assert.equal(coresOf("pid 7's current affinity list: 5", alone), undefined)
    assert.match(coresText(undefined), /^not pinned/)
  })
})
