import { writeFileSync } from 'node:fs'
import { startRedis, type TestServer } from '../test/support/redis.ts'
import { bodyRoutes } from './bodies.ts'
import { type BudgetsLine, budgetsText, measureBudgets, wrongBudgets } from './budgets.ts'
import { compileServers } from './compiled-servers.ts'
import { coresText, keepApart } from './cores.ts'
import { countAll, type RequestCount } from './counts.ts'
import { measureDeletePattern, type ScanReport, scanText } from './delete-pattern.ts'
import { type DistanceReport, distanceText, measureDistance, tooFar } from './distance.ts'
import { type EntrySize, entrySizeText, measureEntrySize, wrongEntrySize } from './entry-size.ts'
import { type EqualLine, equalText, measureEqual, wrongEqual } from './equal-requests.ts'
import {
  type EventStreamsLine,
  eventStreamsText,
  measureEventStreams,
  wrongEventStreams,
} from './event-streams.ts'
import { type Counted, wrongCounts } from './expected-counts.ts'
import { type Flags, readFlags } from './flags.ts'
import { type FloodLine, floodText, measureFlood, wrongFlood } from './flood.ts'
import { type GrowthLine, growthText, measureGrowth } from './growth.ts'
import { connections } from './load.ts'
import { loadGenerator } from './load-generator.ts'
import { databases } from './opening.ts'
import { type RouteReport, routeReport, routeText } from './report.ts'
import { type Measuring, runRounds } from './rounds.ts'
import { type Entry, type Route, routes } from './routes.ts'
import { measureScale } from './scale.ts'
import { measureSize, type SizeLine, sizeText, wrongSizes } from './size.ts'
import { measureStreams, type StreamsReport, streamsText, wrongStreams } from './streams.ts'
import { shortcomings, verdicts, verdictText } from './verdict.ts'

const began = performance.now()
const flags = flagsOrExit()
// A signal ends Node without its exit event, and with that without the end of what it started.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(1))

const cores = keepApart()
const server = await startRedis({ args: ['--databases', `${databases}`] })
const load = loadGenerator()
const environment = {
  node: process.version,
  redis: await redisVersion(server),
  load: load.name,
  cores: cores ?? null,
  connections,
  rounds: flags.rounds,
  seconds: flags.seconds,
}
console.log(
  `Node ${environment.node}, Redis ${environment.redis}, ${load.name} over ${connections} connections, ` +
    `rounds: ${flags.rounds} of ${flags.seconds} s; ${coresText(cores)}.\n` +
    `req/s and cpu (of the server, a request) are relative to the bare handler of the same round: ` +
    `median, and the rounds' min..max.`,
)

const wrong: string[] = []
const reports: RouteReport[] = []
const compiled = flags.groups.some((group) => group !== 'scan') ? compileServers() : ''
for (const route of [...routes, ...bodyRoutes].filter(({ group }) => flags.groups.includes(group)))
  await report(route, { ...flags, compiled, load, server })
const distance = flags.groups.includes('distance') ? await distant() : undefined
const budgets = flags.groups.includes('limits') ? await budgeted() : undefined
const growth = flags.groups.includes('growth') ? await grown() : undefined
const size = flags.groups.includes('size') ? await weighed() : undefined
const streams = flags.groups.includes('streams') ? await streamed() : undefined
const entry = flags.groups.includes('size') ? await entryWeighed() : undefined
const shared = flags.groups.includes('sharing') ? await sharedRuns() : undefined
const flood = flags.groups.includes('flood') ? await flooded() : undefined
const scan = flags.groups.includes('scan') ? await scanned(flags.scanKeys) : undefined
const scale = await measureScale(
  flags.groups,
  { ...flags, compiled, load, server },
  ({ text, wrong: found }) => {
    wrong.push(...found)
    console.log(`\n${text}`)
  },
)
await server.stop()

const judged = verdicts(reports)
const behind = [...shortcomings(judged), ...tooFar(distance?.lines ?? [])]
if (judged.length > 0) console.log(`\n${verdictText(judged)}`)
if (flags.json !== undefined)
  writeFileSync(
    flags.json,
    `${JSON.stringify({ environment, routes: reports, verdicts: judged, behind, distance, budgets, growth, size, streams, entry, shared, flood, scan, scale, wrong }, null, 2)}\n`,
  )
console.log(
  wrong.length === 0
    ? '\nAll that was counted is as expected.'
    : `\nCounted otherwise than expected:\n${indented(wrong)}`,
)
if (behind.length > 0)
  console.log(`\nBehind a peer, or far from what is wanted:\n${indented(behind)}`)
console.log(`${Math.round((performance.now() - began) / 1000)} s in all.`)
process.exit(wrong.length > 0 || (flags.strict && behind.length > 0) ? 1 : 0)

function indented(sentences: readonly string[]): string {
  return sentences.map((each) => `  ${each}`).join('\n')
}

function flagsOrExit(): Flags {
  try {
    return readFlags(process.argv.slice(2))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(2)
  }
}

async function report(route: Route, measuring: Measuring): Promise<void> {
  const client = server.client()
  await client.flushall()
  const costs = await countAll(route, measuring)
  await client.flushall()
  const onlyCounted = flags.short && route.group === 'bodies'
  const measured = route.timed && !onlyCounted ? await runRounds(route, measuring) : []
  client.disconnect()
  const found = routeReport(route, measured, costs)
  reports.push(found)
  wrong.push(...wrongCounts([...costs].map((each) => countedOf(route, ...each))))
  console.log(`\n${routeText(found)}`)
}

function countedOf(
  { framework, title }: Route,
  { label, expectation }: Entry,
  costs: readonly RequestCount[],
): Counted {
  return { stack: `${label} on ${framework}, ${title}`, costs, expectation }
}

async function distant(): Promise<DistanceReport> {
  const found = await measureDistance(server, { ...flags, compiled, load })
  console.log(`\n${distanceText(found)}`)
  return found
}

async function budgeted(): Promise<readonly BudgetsLine[]> {
  const found = await measureBudgets(server, compiled)
  wrong.push(...wrongBudgets(found))
  console.log(`\n${budgetsText(found)}`)
  return found
}

async function grown(): Promise<readonly GrowthLine[]> {
  const found = await measureGrowth(server, { ...flags, compiled })
  console.log(`\n${growthText(found)}`)
  return found
}

async function weighed(): Promise<readonly SizeLine[]> {
  const found = await measureSize(server, compiled)
  wrong.push(...wrongSizes(found))
  console.log(`\n${sizeText(found)}`)
  return found
}

async function streamed(): Promise<StreamsReport> {
  const found = await measureStreams(server, compiled, flags.streams)
  wrong.push(...wrongStreams(found))
  console.log(`\n${streamsText(found)}`)
  return found
}

async function entryWeighed(): Promise<EntrySize> {
  const found = await measureEntrySize(server, compiled)
  wrong.push(...wrongEntrySize(found))
  console.log(`\n${entrySizeText(found)}`)
  return found
}

async function sharedRuns(): Promise<{
  readonly equal: readonly EqualLine[]
  readonly streams: readonly EventStreamsLine[]
}> {
  const equal = await measureEqual(server, compiled)
  wrong.push(...wrongEqual(equal))
  console.log(`\n${equalText(equal)}`)
  const events = await measureEventStreams(server, compiled)
  wrong.push(...wrongEventStreams(events))
  console.log(`\n${eventStreamsText(events)}`)
  return { equal, streams: events }
}

async function flooded(): Promise<readonly FloodLine[]> {
  const found = await measureFlood(server, compiled, flags.floodUrls)
  wrong.push(...wrongFlood(found))
  console.log(`\n${floodText(found)}`)
  return found
}

async function scanned(keys: number): Promise<ScanReport> {
  const found = await measureDeletePattern(server, keys)
  console.log(`\n${scanText(found)}`)
  return found
}

async function redisVersion({ client }: TestServer): Promise<string> {
  const asking = client()
  const info = await asking.info('server')
  asking.disconnect()
  return /^redis_version:(\S+)/m.exec(info)?.[1] ?? 'of unknown version'
}
