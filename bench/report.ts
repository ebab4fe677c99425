import type { RequestCount } from './counts.ts'
import type { Measured } from './rounds.ts'
import { type Entry, isOurs, type Route } from './routes.ts'
import { median, type Ratios, ratios, type Slice, type Spread, spread } from './statistics.ts'
import { textTable } from './text-table.ts'

/** One line of a route's table. */
export interface Line {
  readonly stack: string
  /** It is memoryware, and not one of those that it is compared with. */
  readonly ours: boolean
  /** It does more than the peers do, and is beside them for another reason. */
  readonly aside: boolean
  readonly in: Entry['in']
  /** Relative to the bare handler; absent where the route is only counted. */
  readonly ratios: Ratios | undefined
  /** Each round, as it was measured. */
  readonly slices: readonly Slice[]
  /** Each counted request; none where nothing is kept in Redis. */
  readonly costs: readonly RequestCount[]
  readonly notes: Measured['notes']
}

/** All that was found out about a route. */
export interface RouteReport {
  readonly title: string
  readonly framework: Route['framework']
  /** Requests per second of the bare handler, in all rounds. */
  readonly bare: Spread | undefined
  readonly lines: readonly Line[]
}

/** The frameworks, as they stand above a table. */
export const frameworkNames = { express: 'Express 5', koa: 'Koa 3' } as const

/** Puts together what was measured and what was counted. */
export function routeReport(
  { title, framework, entries }: Route,
  measured: readonly Measured[],
  costs: ReadonlyMap<Entry, readonly RequestCount[]>,
): RouteReport {
  const bare = measured[0]?.slices
  const counted = entries.filter((entry) => costs.has(entry))
  const all = bare ? measured.map(({ entry }) => entry) : counted
  return {
    title,
    framework,
    bare: bare && spread(bare.map(({ perSecond }) => perSecond)),
    lines: all.map((entry) => {
      const found = measured.find((each) => each.entry === entry)
      return {
        stack: entry.label,
        ours: isOurs(entry),
        aside: entry.aside === true,
        in: entry.in,
        ratios: found && bare && ratios(found.slices, bare),
        slices: found?.slices ?? [],
        costs: costs.get(entry) ?? [],
        notes: found?.notes ?? { wrong: 0, ran: 0, forgetful: 0, withoutStore: 0 },
      }
    }),
  }
}

/** A route's table as text. */
export function routeText({ title, framework, bare, lines }: RouteReport): string {
  const speed = bare ? ` (bare handler: ${whole(bare.median)} req/s)` : ''
  const head = bare ? ['req/s', 'min..max', 'cpu', 'min..max'] : []
  const rows = lines.map((line) => [
    labelOf(line),
    ...(line.ratios ? ratioCells(line.ratios) : []),
    ...costCells(line),
  ])
  const table = textTable([['stack', ...head, 'commands', 'round trips', 'before'], ...rows])
  const absolute = bare ? ['', absoluteTable(lines)] : []
  return [
    `${frameworkNames[framework]}: ${title}${speed}`,
    table,
    ...absolute,
    ...lines.flatMap(noteLines),
  ].join('\n')
}

/** What is no ratio, in a table of its own: one would be too wide to read. */
function absoluteTable(lines: readonly Line[]): string {
  const head = ['stack', 'p50 ms', 'p99 ms', 'server us', 'Redis us', 'RSS MiB']
  return textTable([head, ...lines.map((line) => [labelOf(line), ...absoluteCells(line)])])
}

function absoluteCells({ in: place, slices }: Line): string[] {
  const middle = (what: keyof Slice) => median(slices.map((slice) => slice[what]))
  return [
    middle('p50Ms').toFixed(2),
    middle('p99Ms').toFixed(2),
    middle('cpuMicrosPerRequest').toFixed(0),
    // Redis also works while nobody asks it anything.
    place === 'process' ? '0.0' : middle('redisMicrosPerRequest').toFixed(1),
    // It grows from slice to slice: what counts is where it ends.
    ((slices.at(-1)?.rssBytes ?? Number.NaN) / 2 ** 20).toFixed(0),
  ]
}

/** A whole number with its thousands apart. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** A stack, and where it keeps things. */
export function labelOf({ stack, in: place }: Pick<Line, 'stack' | 'in'>): string {
  if (stack === 'bare handler') return stack
  return `${stack}, ${place === 'redis' ? 'Redis' : 'in process'}`
}

function ratioCells({ perSecond, cpu }: Ratios): string[] {
  return [perSecond, cpu].flatMap(({ median, min, max }) => [
    median.toFixed(2),
    `${min.toFixed(2)}..${max.toFixed(2)}`,
  ])
}

function costCells({ in: place, costs }: Line): string[] {
  if (place === 'process') return ['0', '0', '0']
  return (['commands', 'roundTrips', 'before'] as const).map((what) =>
    range(costs.map((cost) => cost[what])),
  )
}

function range(values: readonly number[]): string {
  const { min, max } = spread(values)
  return min === max ? `${min}` : `${min}..${max}`
}

function noteLines(line: Line): string[] {
  const { wrong, ran, forgetful, withoutStore } = line.notes
  const notes: [number, string][] = [
    [wrong, 'answers were wrong or failed'],
    [ran, 'answers did not come from the cache'],
    [forgetful, 'chat turns read fewer than 13 messages'],
    [withoutStore, 'times it went on without Redis, or lost it'],
  ]
  return notes
    .filter(([count]) => count > 0)
    .map(([count, what]) => `  note, ${labelOf(line)}: ${whole(count)} ${what}`)
}
