import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { type BudgetsLine, wrongBudgets } from '../../bench/budgets.ts'
import { wrongSizes } from '../../bench/size.ts'
import { type StreamsReport, wrongStreams } from '../../bench/streams.ts'

const size = { store: 'Redis', how: 'turn()', jsonBytes: 500, bytesBeside: 150 } as const

describe('what the benchmark expects of the size of messages', () => {
  it('is at most 150 bytes beside their JSON on Redis', () => {
    assert.deepEqual(wrongSizes([size]), [])
    assert.deepEqual(wrongSizes([{ ...size, bytesBeside: 151 }]), [
      'A message stored by turn() should take at most 150 bytes beside its JSON, and it takes 151',
    ])
  })

  it('is nothing in particular of the heap', () => {
    assert.deepEqual(wrongSizes([{ ...size, store: 'in process', bytesBeside: 400 }]), [])
  })
})

describe('what the benchmark expects of the size of budgets', () => {
  const line: BudgetsLine = {
    ...{ kind: 'sliding', bytesOnRedis: 300, keys: 100_000, lost: 0 },
    ...{ rssBytes: 100 * 1024 ** 2, heapBytes: 64 * 1024 ** 2 },
  }

  it('is at most 300 bytes on Redis, and 64 MiB of heap for 100,000', () => {
    assert.deepEqual(wrongBudgets([line]), [])
    assert.deepEqual(wrongBudgets([{ ...line, bytesOnRedis: 301 }]), [
      'A budget (sliding) should take at most 300 bytes on Redis, and it takes 301',
    ])
    assert.deepEqual(wrongBudgets([{ ...line, heapBytes: 65 * 1024 ** 2 }]), [
      '100,000 budgets (sliding) should take at most 64.0 MiB of heap, and they take 65.0',
    ])
  })

  it('is that of all of them', () => {
    assert.deepEqual(wrongBudgets([{ ...line, lost: 1 }]), [
      '1 of 100,000 budgets (sliding) were pushed out',
    ])
  })
})

describe('what the benchmark expects of live streams', () => {
  const line = { rssBytes: 0, heapBytes: 0, idleCpu: 0, cpu: 0, pieces: 0 }
  const report = (connections: number, timers: number): StreamsReport => ({
    ...{ streams: 1000, seconds: 3, idleCommands: 0, commands: 0, lost: 0 },
    lines: [{ ...line, role: 'follows', connections, timers }],
  })

  it('is one connection, and a timer each at most', () => {
    assert.deepEqual(wrongStreams(report(1, 1)), [])
  })

  it('is not more of either', () => {
    assert.match(wrongStreams(report(2, 0)).join(), /1 connection for all streams, and has 2/)
    assert.match(wrongStreams(report(1, 1.1)).join(), /a timer a stream at most, and has 1\.1/)
  })
})
