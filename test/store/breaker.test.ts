import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'mocha'
import { Breaker } from '../../lib/providers/breaker.ts'

const away = new Error('away')

/** A breaker, and what it has told. */
function told(failures: number): { breaker: Breaker; events: string[] } {
  const events: string[] = []
  const breaker = new Breaker({
    onLost: () => void events.push('lost'),
    onBack: () => void events.push('back'),
  })
  for (let times = 0; times < failures; times += 1) breaker.failed(away)
  return { breaker, events }
}

describe('a breaker', () => {
  it('lets calls through after four failures', () => {
    const { breaker, events } = told(4)
    assert.equal(breaker.admits(), true)
    assert.deepEqual(events, [])
  })

  it('opens at the fifth failure in a row, and tells once', () => {
    const { breaker, events } = told(7)
    assert.equal(breaker.open, true)
    assert.equal(breaker.admits(), false)
    assert.deepEqual(events, ['lost'])
  })

  it('counts anew after a success', () => {
    const { breaker } = told(4)
    breaker.succeeded()
    for (let times = 0; times < 4; times += 1) breaker.failed(away)
    assert.equal(breaker.open, false)
  })

  it('does not count what was answered and refused, nor forget what it has counted for it', () => {
    const { breaker } = told(4)
    breaker.answered()
    assert.equal(breaker.open, false)
    breaker.failed(away)
    assert.equal(breaker.open, true)
  })

  it('stays open where a call ends that was sent before the others failed', () => {
    const { breaker, events } = told(5)
    breaker.succeeded()
    assert.equal(breaker.open, true)
    assert.deepEqual(events, ['lost'])
  })

  it('closes when asked to, and opens again at the next failure', () => {
    const { breaker, events } = told(5)
    breaker.reset()
    assert.equal(breaker.admits(), true)
    breaker.failed(away)
    assert.equal(breaker.open, true)
    assert.deepEqual(events, ['lost'])
  })

  it('tells that calls succeed again', () => {
    const { breaker, events } = told(5)
    breaker.reset()
    breaker.succeeded()
    assert.deepEqual(events, ['lost', 'back'])
  })

  const probes: Readonly<Record<string, [act: (breaker: Breaker) => void, open: boolean]>> = {
    'stays open after a probe that fails': [(breaker) => breaker.failed(away), true],
    'closes after a probe that succeeds': [(breaker) => breaker.succeeded(), false],
    'closes after a probe that is refused': [(breaker) => breaker.answered(), false],
  }
  for (const [fact, [act, open]] of Object.entries(probes))
    it(fact, async () => {
      const { breaker } = told(5)
      await sleep(1010)
      assert.equal(breaker.admits(), true)
      assert.equal(breaker.admits(), false, 'one probe at a time')
      act(breaker)
      assert.equal(breaker.open, open)
    })
})
