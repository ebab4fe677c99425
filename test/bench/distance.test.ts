import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { type DistanceLine, tooFar } from '../../bench/distance.ts'

describe('a Redis that is further away', () => {
  const line: DistanceLine = {
    ...{ framework: 'koa', stack: 'memoryware/all', ours: true, path: '/answer' },
    ...{ nearMs: 0.5, farMs: 2.6, wrong: 0 },
  }

  it('is not too far as long as answers take what is wanted', () => {
    assert.deepEqual(tooFar([line, { ...line, path: '/chat', farMs: 5 }]), [])
  })

  it('is too far above that, for ours', () => {
    const chat = { ...line, path: '/chat', farMs: 5.01 } as const
    assert.deepEqual(tooFar([{ ...line, farMs: 30, ours: false }, chat]), [
      'memoryware/all on koa, /chat: 5.01 ms with 1 ms more to Redis, wanted <= 5 ms',
    ])
  })
})
