import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, it } from 'mocha'
import { afterMoment, nextMoment } from '../lib/moment.ts'

describe('a moment', () => {
  it('ends with the turn of the event loop where nobody goes on together', async () => {
    const seen: string[] = []
    afterMoment(() => seen.push('end'))
    await Promise.resolve()
    seen.push('went on')
    await turn()
    assert.deepEqual(seen, ['went on', 'end'])
  })

  it('ends with the run of those who go on together, not a turn later', async () => {
    const seen: string[] = []
    const together = new Promise<void>((resolve) => nextMoment(resolve))
    const one = async (name: string) => {
      await together
      seen.push(name)
      void turn().then(() => seen.push('a turn later'))
      afterMoment(() => seen.push(`end of ${name}`))
      for (let step = 0; step < 5; step += 1) await undefined
      seen.push(`${name} went on`)
    }
    await Promise.all([one('first'), one('second')])
    await turn()
    await turn()
    const ends = ['end of first', 'end of second']
    const run = ['first', 'second', 'first went on', 'second went on']
    assert.deepEqual(seen, [...run, ...ends, 'a turn later', 'a turn later'])
  })

  it('is over for who comes later', async () => {
    const seen: string[] = []
    await new Promise<void>((resolve) => nextMoment(resolve))
    await turn()
    afterMoment(() => seen.push('end'))
    await new Promise((resolve) => process.nextTick(resolve))
    assert.deepEqual(seen, [])
    await turn()
    assert.deepEqual(seen, ['end'])
  })
})
