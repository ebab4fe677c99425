import type { Bed, Finding } from './finding.ts'
import { whole } from './report.ts'
import { sideBySide, wrongRuns } from './side-by-side.ts'
import { median, type Ratios, ratios } from './statistics.ts'
import { textTable } from './text-table.ts'
import { sessionsOf, type Work, works } from './works.ts'

interface ConnectionsLine {
  readonly work: string
  readonly connections: number
  /** Requests per second of the bare handler. */
  readonly bare: number
  readonly ratios: Ratios
}

/** Measures a limit, a cache and a chat over few connections, and over many. */
export async function measureConnections(bed: Bed): Promise<Finding> {
  const { server, short } = bed
  // Where rounds are many, fewer of them: there are twelve tables.
  const rounds = Math.min(bed.rounds, 5)
  const seconds = Math.min(bed.seconds, 2)
  const client = server.client()
  const lines: ConnectionsLine[] = []
  const wrong: string[] = []
  for (const work of (short ? [works.limit] : Object.values(works)) as readonly Work[]) {
    const requests = work.requests(sessionsOf(seconds))
    for (const connections of short ? [1, 512] : [1, 8, 64, 512]) {
      await client.flushall()
      const runs = await sideBySide(
        [
          { label: 'bare handler', stack: work.bare },
          { label: 'memoryware', stack: work.stack, redis: `${server.url}/0` },
        ],
        { ...bed, requests, fill: work.fill, connections, rounds, seconds },
      )
      const [bare = [], ours = []] = runs.map(({ slices }) => slices)
      const perSecond = median(bare.map((slice) => slice.perSecond))
      lines.push({ work: work.title, connections, bare: perSecond, ratios: ratios(ours, bare) })
      wrong.push(...wrongRuns(`${work.title}, ${connections} connections`, runs, seconds))
    }
  }
  client.disconnect()
  return { figures: lines, text: connectionsText(lines), wrong }
}

function connectionsText(lines: readonly ConnectionsLine[]): string {
  const rows = lines.map(({ work, connections, bare, ratios: { perSecond, cpu } }) => [
    work,
    `${connections}`,
    whole(bare),
    perSecond.median.toFixed(2),
    `${perSecond.min.toFixed(2)}..${perSecond.max.toFixed(2)}`,
    cpu.median.toFixed(2),
    `${cpu.min.toFixed(2)}..${cpu.max.toFixed(2)}`,
  ])
  return [
    'Connections: memoryware on Redis, relative to the bare handler over as many',
    textTable([
      ['work', 'connections', 'bare req/s', 'req/s', 'min..max', 'cpu', 'min..max'],
      ...rows,
    ]),
  ].join('\n')
}
