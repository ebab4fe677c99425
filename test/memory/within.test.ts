import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { withinMs } from '../../lib/history/within.ts'

describe('a task with a time limit', () => {
  it('gives what the task gives', async () => {
    assert.equal(await withinMs(60_000, 'It', async () => 'done'), 'done')
  })

  it('rejects when its time is over, and fires the signal of the task', async () => {
    let signal: AbortSignal | undefined
    const hung = withinMs(1, 'The summary', (given) => {
      signal = given
      return new Promise(() => {})
    })
    await assert.rejects(hung, /The summary did not come within 0.001 s/)
    assert.equal(signal?.aborted, true)
  })

  it('rejects with what the task throws', async () => {
    const task = () => Promise.reject(new Error('no model'))
    await assert.rejects(withinMs(60_000, 'It', task), /no model/)
  })
})
