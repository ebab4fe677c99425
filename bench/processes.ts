import type { Bed, Finding } from './finding.ts'
import { connections } from './load.ts'
import { whole } from './report.ts'
import { sideBySide, wrongRuns } from './side-by-side.ts'
import { median, type Ratios, ratios } from './statistics.ts'
import { textTable } from './text-table.ts'
import { sessionsOf, type Work, works } from './works.ts'

interface ProcessesLine {
  readonly work: string
  readonly stack: string
  /** Requests per second of one process. */
  readonly one: number
  /** Of two processes on one Redis, relative to one. */
  readonly ratios: Ratios
}

/** Measures one process, and two on the same Redis with half of the connections each. */
export async function measureProcesses(bed: Bed): Promise<Finding> {
  const { server, short } = bed
  const seconds = Math.min(bed.seconds, 2)
  const rounds = Math.min(bed.rounds, 5)
  const client = server.client()
  const lines: ProcessesLine[] = []
  const wrong: string[] = []
  for (const work of (short ? [works.limit] : Object.values(works)) as readonly Work[]) {
    await client.flushall()
    const redis = `${server.url}/0`
    const runs = await sideBySide(
      [
        { label: 'bare handler', stack: work.bare },
        { label: 'bare handler, 2 processes', stack: work.bare, processes: 2 },
        { label: 'memoryware', stack: work.stack, redis },
        { label: 'memoryware, 2 processes', stack: work.stack, redis, processes: 2 },
      ],
      {
        ...bed,
        ...{ requests: work.requests(sessionsOf(seconds)), fill: work.fill },
        ...{ connections, rounds, seconds },
      },
    )
    for (const at of [0, 2]) {
      const [one, two] = [runs[at], runs[at + 1]]
      if (one === undefined || two === undefined) continue
      const perSecond = median(one.slices.map((slice) => slice.perSecond))
      lines.push({
        ...{ work: work.title, stack: one.label, one: perSecond },
        ratios: ratios(two.slices, one.slices),
      })
    }
    wrong.push(...wrongRuns(work.title, runs, seconds))
  }
  client.disconnect()
  return { figures: lines, text: processesText(lines), wrong }
}

function processesText(lines: readonly ProcessesLine[]): string {
  const rows = lines.map(({ work, stack, one, ratios: { perSecond, cpu } }) => [
    `${work}, ${stack}`,
    whole(one),
    perSecond.median.toFixed(2),
    `${perSecond.min.toFixed(2)}..${perSecond.max.toFixed(2)}`,
    cpu.median.toFixed(2),
  ])
  return [
    'Two processes on one Redis, relative to one; where processors are few, they share them with Redis and the load',
    textTable([['work', 'one: req/s', 'two: req/s', 'min..max', 'cpu a request'], ...rows]),
  ].join('\n')
}
