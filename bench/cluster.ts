import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Monitor, startMonitor } from '../test/support/monitor.ts'
import { type RedisTestCluster, startRedisCluster } from '../test/support/redis-cluster.ts'
import type { Bed, Finding } from './finding.ts'
import { fill, send } from './http-client.ts'
import { connections } from './load.ts'
import { serve } from './served.ts'
import { sideBySide, wrongRuns } from './side-by-side.ts'
import { type Ratios, ratios } from './statistics.ts'
import { textTable } from './text-table.ts'
import { sessionsOf, type Work, works } from './works.ts'

interface ClusterLine {
  readonly work: string
  /** Commands a request, over all nodes, those inside scripts left out. */
  readonly commands: number
  /** How many of the nodes were sent any. */
  readonly nodes: number
  readonly ratios: Ratios
}

/**
 * What a request costs on three nodes. A hit has one mark, which need not be on the node of its entry:
 * as many commands as on one server, of which some may go to another node.
 */
const expected: Readonly<Record<keyof typeof works, number>> = { limit: 1, cache: 2, chat: 3 }

const counted = 20

/** Measures a limit, a cache and a chat on a Cluster of three nodes. */
export async function measureCluster(bed: Bed): Promise<Finding> {
  const cluster = await startRedisCluster({ masters: 3, replicas: 0 })
  const seconds = Math.min(bed.seconds, 2)
  const rounds = Math.min(bed.rounds, 5)
  const redis = cluster.urls.join()
  const lines: ClusterLine[] = []
  const wrong: string[] = []
  for (const name of Object.keys(works) as (keyof typeof works)[]) {
    const work: Work = works[name]
    const count = await countedOn(cluster, work, bed.compiled)
    if (count.commands !== expected[name])
      wrong.push(
        `${work.title}, on a Cluster: should be ${expected[name]} commands, and was ${count.commands}`,
      )
    const runs = await sideBySide(
      [
        { label: 'bare handler', stack: work.bare },
        { label: 'memoryware', stack: work.stack, redis },
      ],
      {
        ...bed,
        ...{ requests: work.requests(sessionsOf(seconds)), fill: work.fill },
        ...{ connections, rounds, seconds },
      },
    )
    const [bare = [], ours = []] = runs.map(({ slices }) => slices)
    lines.push({ work: work.title, ...count, ratios: ratios(ours, bare) })
    wrong.push(...wrongRuns(`${work.title}, on a Cluster`, runs, seconds))
  }
  await cluster.stop()
  return { figures: lines, text: clusterText(lines), wrong }
}

/** Counts requests one at a time, once the process knows the scripts and the slots. */
async function countedOn(
  { nodes, urls }: RedisTestCluster,
  work: Work,
  compiled: string,
): Promise<Pick<ClusterLine, 'commands' | 'nodes'>> {
  const requests = work.requests(counted)
  const served = await serve(compiled, work.stack, urls.join())
  const agent = new Agent({ keepAlive: true })
  const { method, path, body, variants } = requests
  const all = async () => {
    for (let at = 0; at < counted; at += 1) {
      const fields = variants[at % variants.length] ?? {}
      await send({ url: served.url, method, path, fields, body, agent })
    }
  }
  try {
    if (work.fill) await fill(served.url, requests)
    await all()
    const monitors = await Promise.all(nodes.map(startMonitor))
    await all()
    await sleep(200)
    const perNode = monitors.map((monitor) => commandsOf(monitor))
    for (const monitor of monitors) monitor.stop()
    return {
      commands: perNode.reduce((sum, each) => sum + each, 0) / counted,
      nodes: perNode.filter((each) => each > 0).length,
    }
  } finally {
    agent.destroy()
    await served.end()
  }
}

/** What clients send now and then of themselves. */
const housekeeping = /\] "(?:cluster|info|ping|hello|command|client|readonly|subscribe|quit)"/i

/** Commands of clients that a server was sent while it was watched. */
export function commandsOf({ lines }: Monitor): number {
  return lines.filter((line) => !line.includes(' lua]') && !housekeeping.test(line)).length
}

function clusterText(lines: readonly ClusterLine[]): string {
  const rows = lines.map(({ work, commands, nodes, ratios: { perSecond, cpu } }) => [
    work,
    perSecond.median.toFixed(2),
    `${perSecond.min.toFixed(2)}..${perSecond.max.toFixed(2)}`,
    cpu.median.toFixed(2),
    `${commands}`,
    `${nodes}`,
  ])
  return [
    `A Cluster of three nodes: memoryware relative to the bare handler; commands counted over ${counted} requests`,
    textTable([['work', 'req/s', 'min..max', 'cpu', 'commands', 'nodes asked'], ...rows]),
  ].join('\n')
}
