import { Agent } from 'node:http'
import type { TestServer } from '../test/support/redis.ts'
import { send } from './http-client.ts'
import { whole } from './report.ts'
import { serve } from './served.ts'
import { textTable } from './text-table.ts'

/** What came of equal requests that all came at once, to two processes, where nothing was stored. */
export interface EqualLine {
  readonly framework: 'express' | 'koa'
  readonly requests: number
  /** How often a handler ran, in both processes together. */
  readonly runs: number
  /** Answers that were no answer. */
  readonly wrong: number
  /** Until all were answered; the handler alone takes 400 ms. */
  readonly ms: number
}

const requests = 500

/** Sends half of the requests to each of two processes. */
export async function measureEqual(
  server: TestServer,
  compiled: string,
): Promise<readonly EqualLine[]> {
  const lines: EqualLine[] = []
  for (const framework of ['express', 'koa'] as const)
    lines.push(await equalOn(framework, server, compiled))
  return lines
}

async function equalOn(
  framework: EqualLine['framework'],
  server: TestServer,
  compiled: string,
): Promise<EqualLine> {
  const client = server.client()
  await client.flushall()
  client.disconnect()
  const stack = `${framework}/memoryware/cache` as const
  const places = [`${server.url}/0`, `${server.url}/0`]
  const both = await Promise.all(places.map((place) => serve(compiled, stack, place)))
  const agent = new Agent({ keepAlive: true })
  try {
    // Both name the same host: a cache tells hosts apart.
    const fields = { Host: 'bench.example' }
    const ask = (path: string, url: string) => send({ url, method: 'GET', path, fields, agent })
    // A connection to Redis is there before it matters.
    await Promise.all(both.map(({ url }) => ask('/limited', url)))
    const before = await runsOf(both)
    const began = performance.now()
    const answers = await Promise.all(
      Array.from({ length: requests }, (_, at) => ask('/slow', both[at % 2]?.url ?? '')),
    )
    const ms = performance.now() - began
    const wrong = answers.filter(({ status, body }) => status !== 200 || body.length !== 2048)
    const runs = (await runsOf(both)) - before
    return { framework, requests, runs, wrong: wrong.length, ms }
  } finally {
    agent.destroy()
    await Promise.all(both.map((each) => each.end()))
  }
}

type Served = Awaited<ReturnType<typeof serve>>

async function runsOf(all: readonly Served[]): Promise<number> {
  const usages = await Promise.all(all.map((each) => each.usage()))
  return usages.reduce((sum, { runs }) => sum + runs, 0)
}

/** Sentences about requests that did not share one run. */
export function wrongEqual(lines: readonly EqualLine[]): string[] {
  return lines.flatMap(({ framework, requests: sent, runs, wrong }) => [
    ...(runs === 1
      ? []
      : [
          `${sent} equal requests on ${framework} should be 1 run of the handler, and were ${runs}`,
        ]),
    ...(wrong === 0 ? [] : [`${wrong} of ${sent} equal requests on ${framework} failed`]),
  ])
}

/** The lines as text. */
export function equalText(lines: readonly EqualLine[]): string {
  const rows = lines.map((line) => [line.framework, `${line.runs}`, whole(line.ms)])
  return [
    `${requests} equal requests at once over two processes, nothing stored: ms until all have their answer, which takes 400 ms to make`,
    textTable([['framework', 'handler runs', 'ms'], ...rows]),
  ].join('\n')
}
