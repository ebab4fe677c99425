import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createStore } from '../lib/index.ts'
import { killAtExit } from '../test/support/processes.ts'
import type { TestServer } from '../test/support/redis.ts'
import { whole } from './report.ts'
import { textTable } from './text-table.ts'

/** What another client noticed: how long its GETs took. */
export interface Latency {
  readonly samples: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** What came of deleting many keys by a pattern. */
export interface ScanReport {
  readonly keys: number
  readonly seconds: number
  readonly keysPerSecond: number
  /** While the deletion ran, and for as long after it. */
  readonly during: Latency
  readonly without: Latency
}

/**
 * Deletes so many keys with `store.deletePattern()`, while a client in another process asks for a
 * value every millisecond.
 *
 * @throws Error when not all keys went.
 */
export async function measureDeletePattern(server: TestServer, keys: number): Promise<ScanReport> {
  const client = server.client()
  await client.flushall()
  await fillKeys(client, keys)
  const store = createStore({ url: server.url })
  await store.exists('flood:0')
  let removed = 0
  let seconds = 0
  const during = await watched(server.url, async () => {
    const start = performance.now()
    removed = await store.deletePattern('flood:*')
    seconds = (performance.now() - start) / 1000
  })
  const left = await client.dbsize()
  await store.close()
  if (removed !== keys || left !== 0)
    throw new Error(`deletePattern says ${removed} of ${keys} keys went, and ${left} are left`)
  const without = await watched(server.url, () => sleep(seconds * 1000))
  return { keys, seconds, keysPerSecond: keys / seconds, during, without }
}

/** The report as text. */
export function scanText(report: ScanReport): string {
  const { keys, seconds, keysPerSecond, during, without } = report
  const row = (label: string, { samples, p99Ms, maxMs }: Latency) => [
    label,
    whole(samples),
    p99Ms.toFixed(2),
    maxMs.toFixed(2),
  ]
  return [
    `deletePattern('flood:*'): ${whole(keys)} keys in ${seconds.toFixed(2)} s, ${whole(keysPerSecond)} keys/s`,
    textTable([
      ['another client', 'GETs', 'p99 ms', 'max ms'],
      row('during the deletion', during),
      row('without it', without),
    ]),
  ].join('\n')
}

const pieceOfFill = 10_000

async function fillKeys(client: ReturnType<TestServer['client']>, keys: number): Promise<void> {
  for (let from = 0; from < keys; from += pieceOfFill) {
    const pipeline = client.pipeline()
    for (let at = from; at < Math.min(keys, from + pieceOfFill); at += 1)
      pipeline.set(`flood:${at}`, 'a value of some length, as a cached answer has one')
    await pipeline.exec()
  }
}

/** Runs `work` while the neighbour looks on, in a process of its own: it waits for Redis only. */
async function watched(url: string, work: () => Promise<unknown>): Promise<Latency> {
  const child = fork(fileURLToPath(new URL('./neighbour.ts', import.meta.url)), [url])
  killAtExit(child)
  await once(child, 'message')
  await work()
  child.send('stop')
  const [latency] = await once(child, 'message')
  return latency as Latency
}
