import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { type BudgetsLine, wrongBudgets } from '../../bench/budgets.ts'
import { wrongEntrySize } from '../../bench/entry-size.ts'
import { wrongEqual } from '../../bench/equal-requests.ts'
import { type EventStreamsLine, wrongEventStreams } from '../../bench/event-streams.ts'
import { type FloodLine, wrongFlood } from '../../bench/flood.ts'
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

describe('what the benchmark expects of an entry of 200 KB', () => {
  const size = { bodyBytes: 204_800, storedBeside: 1024, memoryBeside: 1024 }

  it('is at most 1,024 bytes beside its body, as stored and in memory', () => {
    assert.deepEqual(wrongEntrySize(size), [])
    assert.match(wrongEntrySize({ ...size, storedBeside: 1025 }).join(), /stored.* takes 1,025$/)
    assert.match(wrongEntrySize({ ...size, memoryBeside: 1025 }).join(), /memory.* takes 1,025$/)
  })
})

describe('what the benchmark expects of equal requests', () => {
  const line = { framework: 'koa', requests: 500, runs: 1, wrong: 0, ms: 9999 } as const

  it('is one run of the handler, however long it takes, and an answer for each', () => {
    assert.deepEqual(wrongEqual([line]), [])
    assert.match(wrongEqual([{ ...line, runs: 2 }]).join(), /on koa should be 1 run.* were 2$/)
    assert.match(wrongEqual([{ ...line, runs: 0 }]).join(), /on koa should be 1 run.* were 0$/)
    assert.match(wrongEqual([{ ...line, wrong: 3 }]).join(), /^3 of 500 equal requests/)
  })
})

describe('what the benchmark expects of streams of events', () => {
  const late = { median: 99, low: 99, high: 99 }
  const line: EventStreamsLine = {
    framework: 'express',
    ...{ bareMs: 1, later: late, readers: 51, runs: 1, torn: 0, lagMs: [99, 99] },
  }

  it('is one run, whole for each reader, and no time', () => {
    assert.deepEqual(wrongEventStreams([line]), [])
    assert.match(wrongEventStreams([{ ...line, runs: 2 }]).join(), /should be 1 run.* were 2$/)
    assert.match(wrongEventStreams([{ ...line, torn: 1 }]).join(), /^1 of 51 readers/)
  })
})

describe('what the benchmark expects of a flood', () => {
  const most = 4 * 1024 ** 2 + 1000 * 512
  const line: FloodLine = {
    ...{ store: 'in process', urls: 1000, heldBytes: most, rssBytes: 10 * most },
    ...{ keys: 1, lasting: 0 },
  }

  it('is that it is held within what a process may keep', () => {
    assert.deepEqual(wrongFlood([line]), [])
    assert.match(wrongFlood([{ ...line, heldBytes: most * 2 }]).join(), /they take 9\.0$/)
  })

  it('is that something is kept, and nothing for ever', () => {
    assert.match(wrongFlood([{ ...line, keys: 0 }]).join(), /^Nothing was kept/)
    assert.match(wrongFlood([{ ...line, lasting: 2 }]).join(), /^2 keys on Redis should end/)
  })
})
