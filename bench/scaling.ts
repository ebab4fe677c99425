import { setTimeout as sleep } from 'node:timers/promises'
import { startMonitor } from '../test/support/monitor.ts'
import type { TestServer } from '../test/support/redis.ts'
import { type RedisTestCluster, startRedisCluster } from '../test/support/redis-cluster.ts'
import { commandsOf } from './cluster.ts'
import type { Bed, Finding } from './finding.ts'
import { usedBytes } from './footprint.ts'
import { type Probe, startProbe } from './probe.ts'
import type { TurnsOrder } from './probes/turns.ts'
import { whole } from './report.ts'
import { type Given, holding, turning } from './scaling-plan.ts'
import { spread } from './statistics.ts'
import { textTable } from './text-table.ts'

/** What a Cluster came to, and what was said of it before. */
export interface ScalingCheck {
  readonly sessions: number
  /** Of one session with 20 messages, as one server says of a few. */
  readonly predicted: number
  /** As the Cluster says of all. */
  readonly measured: number
  /** Keys of each master, as a part of all. */
  readonly shares: readonly number[]
  readonly commandsEach: number
  readonly microsEach: number
}

const few = 2000
const counted = 100
/** Predictions may be off by so much. */
const tolerance = 0.05
/** Of three masters none has more or fewer keys by so much of its third. */
const uneven = 0.05

/** Predicts from a few sessions on one server what many on a Cluster of three take. */
export async function measureScaling({ server, compiled, short }: Bed): Promise<Finding> {
  const sessions = short ? 5000 : 200_000
  const predicted = await onOne(server, compiled)
  const cluster = await startRedisCluster({ masters: 3, replicas: 0 })
  const check = { sessions, predicted, ...(await onCluster(cluster, compiled, sessions)) }
  await cluster.stop()
  return { figures: check, text: scalingText(check), wrong: wrongScaling(check) }
}

async function onOne(server: TestServer, compiled: string): Promise<number> {
  const client = server.client()
  await client.flushall()
  const probe = await begun(compiled, `${server.url}/0`)
  const before = await usedBytes(client)
  await order(probe, { what: 'fill', sessions: few })
  const bytes = (await usedBytes(client)) - before
  await probe.end()
  await client.flushall()
  client.disconnect()
  return bytes / few
}

async function onCluster(
  { nodes, urls }: RedisTestCluster,
  compiled: string,
  sessions: number,
): Promise<Omit<ScalingCheck, 'sessions' | 'predicted'>> {
  const clients = nodes.map((node) => node.client())
  const sum = async (of: (client: (typeof clients)[number]) => Promise<number>) =>
    (await Promise.all(clients.map(of))).reduce((total, each) => total + each, 0)
  const probe = await begun(compiled, urls.join())
  // Scripts are there before anything is weighed.
  await order(probe, { what: 'turns', sessions: counted })
  await Promise.all(clients.map((client) => client.flushdb()))
  const before = await sum(usedBytes)
  await order(probe, { what: 'fill', sessions })
  const bytes = (await sum(usedBytes)) - before
  const keys = await Promise.all(clients.map((client) => client.dbsize()))
  const all = keys.reduce((total, each) => total + each, 0)

  const monitors = await Promise.all(nodes.map(startMonitor))
  await order(probe, { what: 'turns', sessions: counted })
  await sleep(200)
  const commands = monitors.reduce((total, monitor) => total + commandsOf(monitor), 0)
  for (const monitor of monitors) monitor.stop()

  const turns = Math.min(sessions, 20_000)
  const cpuBefore = await sum(cpuMicros)
  await order(probe, { what: 'turns', sessions: turns })
  const micros = (await sum(cpuMicros)) - cpuBefore
  await probe.end()
  return {
    measured: bytes / sessions,
    shares: keys.map((each) => each / all),
    commandsEach: commands / counted,
    microsEach: micros / turns,
  }
}

async function begun(compiled: string, urls: string): Promise<Probe> {
  const probe = startProbe(compiled, 'turns', [urls])
  await probe.ask()
  return probe
}

function order(probe: Probe, given: TurnsOrder): Promise<number> {
  return probe.ask<number>(JSON.stringify(given))
}

type Client = ReturnType<TestServer['client']>

async function cpuMicros(client: Client): Promise<number> {
  const info = await client.info('cpu')
  const seconds = ['user', 'sys'].map((kind) =>
    Number(new RegExp(`^used_cpu_${kind}:([\\d.]+)`, 'm').exec(info)?.[1]),
  )
  return seconds.reduce((total, each) => total + each * 1e6, 0)
}

/** Sentences about a prediction that did not come true. */
export function wrongScaling({ sessions, predicted, measured, shares }: ScalingCheck): string[] {
  const off = Math.abs(measured / predicted - 1)
  const { min, max } = spread(shares.map((share) => share * shares.length))
  return [
    ...(off <= tolerance
      ? []
      : [
          `${whole(sessions)} sessions should take about ${whole(predicted)} bytes each, and take ${whole(measured)}`,
        ]),
    ...(min >= 1 - uneven && max <= 1 + uneven
      ? []
      : [
          `Masters should have a third of all keys each, and have ${min.toFixed(2)} to ${max.toFixed(2)} of that`,
        ]),
  ]
}

const gib = 1024 ** 3
const planned = 100_000_000
const rates = [1000, 10_000, 100_000]

function scalingText(check: ScalingCheck): string {
  const { sessions, predicted, measured, shares, commandsEach, microsEach } = check
  const given: Given = {
    ...{ sessions: planned, bytesEach: measured, shardBytes: 25 * gib },
    ...{ commandsEach, microsEach },
  }
  const { bytes, shards } = holding(given)
  const rows = rates.map((rate) => {
    const { commandsPerSecond, eachShard, busy } = turning(given, rate)
    return [whole(rate), whole(commandsPerSecond), whole(eachShard), `${(busy * 100).toFixed(1)} %`]
  })
  return [
    `${whole(sessions)} sessions of 20 messages of 500 characters on a Cluster of three: ${whole(predicted)} bytes each predicted, ` +
      `${whole(measured)} measured; parts of the keys: ${shares.map((share) => share.toFixed(3)).join(', ')}`,
    `A turn is ${commandsEach} commands, and ${whole(microsEach)} us of a processor of Redis`,
    `${whole(planned)} such sessions: ${whole(bytes / gib)} GiB, ${shards} masters at 25 GiB`,
    textTable([['turns/s', 'commands/s', 'of each master', 'busy'], ...rows]),
  ].join('\n')
}
