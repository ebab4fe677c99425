import { Agent, get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { startMonitor } from '../test/support/monitor.ts'
import { commandsOf } from './cluster.ts'
import type { Bed, Finding } from './finding.ts'
import { whole } from './report.ts'
import { serve } from './served.ts'
import type { StackName } from './servers/stacks.ts'
import { textTable } from './text-table.ts'

interface IdleLine {
  readonly label: string
  /** By which the server has grown, a stream. */
  readonly rssBytes: number
  /** Of one processor, while nothing is said. */
  readonly cpu: number
  /** To Redis, a stream and second. */
  readonly commands: number
  /** How often the handler ran. */
  readonly runs: number
  /** Streams that ended, or said something. */
  readonly disturbed: number
}

const kinds: readonly { label: string; stack: StackName; redis: boolean; paths: 'one' | 'each' }[] =
  [
    { label: 'bare handler', stack: 'express/bare', redis: false, paths: 'each' },
    {
      label: 'cached, each its own',
      stack: 'express/memoryware/cache',
      redis: true,
      paths: 'each',
    },
    { label: 'cached, all of one', stack: 'express/memoryware/cache', redis: true, paths: 'one' },
  ]

const streams = 1000
const atOnce = 50

/** Opens so many streams of events that say one thing, and then nothing, and looks at the server. */
export async function measureIdle({ server, compiled, short }: Bed): Promise<Finding> {
  const seconds = short ? 2 : 10
  const client = server.client()
  const lines: IdleLine[] = []
  for (const { label, stack, redis, paths } of kinds) {
    await client.flushall()
    const served = await serve(compiled, stack, redis ? `${server.url}/0` : undefined)
    const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
    const pathOf = (at: number) => `/events/idle?at=${paths === 'one' ? 'all' : at}`
    // Code is there before it is weighed.
    const first = await opened(served.url, '/events/idle?at=first', agent)
    const before = await served.usage()
    const open = await openAll(served.url, pathOf, agent)
    await sleep(500)
    const begun = await served.usage()
    const monitor = await startMonitor(server)
    const beganMs = performance.now()
    await sleep(seconds * 1000)
    const after = await served.usage()
    const tookMs = performance.now() - beganMs
    monitor.stop()
    lines.push({
      label,
      rssBytes: (begun.rssBytes - before.rssBytes) / streams,
      cpu: (after.cpuMicros - begun.cpuMicros) / 1000 / tookMs,
      commands: commandsOf(monitor) / streams / seconds,
      runs: after.runs - before.runs,
      disturbed: open.filter((stream) => stream.disturbed()).length,
    })
    for (const { response } of [first, ...open]) response.destroy()
    agent.destroy()
    await served.end()
  }
  client.disconnect()
  return { figures: lines, text: idleText(lines, seconds), wrong: wrongIdle(lines) }
}

interface Open {
  readonly response: IncomingMessage
  disturbed(): boolean
}

async function openAll(
  url: string,
  pathOf: (at: number) => string,
  agent: Agent,
): Promise<readonly Open[]> {
  const open: Open[] = []
  let next = 0
  const openers = Array.from({ length: atOnce }, async () => {
    while (next < streams) {
      next += 1
      open.push(await opened(url, pathOf(next), agent))
    }
  })
  await Promise.all(openers)
  return open
}

/** Gives a stream once its first event is there. */
function opened(url: string, path: string, agent: Agent): Promise<Open> {
  return new Promise((resolve, reject) => {
    get(new URL(path, url), { agent }, (response) => {
      let pieces = 0
      let over = false
      response.on('data', () => {
        pieces += 1
        if (pieces === 1) resolve({ response, disturbed: () => over || pieces > 1 })
      })
      response.once('close', () => {
        over = true
      })
      response.once('error', () => {})
    }).once('error', reject)
  })
}

/** Sentences about streams that did not stay as they were, or ran more often than once each. */
export function wrongIdle(
  lines: readonly Pick<IdleLine, 'label' | 'runs' | 'disturbed'>[],
): string[] {
  return lines.flatMap(({ label, runs, disturbed }) => {
    const most = label.endsWith('all of one') ? 1 : streams
    return [
      ...(runs === most
        ? []
        : [`Idle streams, ${label}: should be ${most} runs, and were ${runs}`]),
      ...(disturbed === 0 ? [] : [`${disturbed} idle streams, ${label}, did not stay idle`]),
    ]
  })
}

function idleText(lines: readonly IdleLine[], seconds: number): string {
  const rows = lines.map(({ label, rssBytes, cpu, commands, runs }) => [
    label,
    (rssBytes / 1024).toFixed(1),
    cpu.toFixed(3),
    commands.toFixed(2),
    whole(runs),
  ])
  return [
    `${whole(streams)} idle streams of events over HTTP, for ${seconds} s: RSS a stream, processors, commands to Redis a stream and second`,
    textTable([['streams', 'RSS KiB', 'cpu', 'commands', 'runs'], ...rows]),
  ].join('\n')
}
