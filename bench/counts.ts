import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CountingProxy, startCountingProxy } from '../test/support/counting-proxy.ts'
import type { TestServer } from '../test/support/redis.ts'
import type { Cost } from './expected-counts.ts'
import { type Answer, fill, send } from './http-client.ts'
import type { Requests } from './requests.ts'
import type { Entry, Route } from './routes.ts'
import { type Served, serve } from './served.ts'
import { fewestMessages } from './servers/work.ts'

/** What each of several requests to one stack cost. */
export interface RequestCount extends Cost {
  /** The commands by name. */
  readonly names: Readonly<Record<string, number>>
}

const warm = 2
const counted = 3
/** Refusals are counted by the hundred, as soon as a process trusts one that it has seen. */
const refused = { count: 100, withinMs: 900 }
const attempts = 5
const pauseMs = 1500
const quietMs = 40

/** Where to count. */
export interface Counting {
  readonly compiled: string
  readonly server: TestServer
}

/** Counts for each stack of a route that keeps things in Redis, behind a proxy and on a database of its own. */
export async function countAll(
  route: Route,
  counting: Counting,
): Promise<ReadonlyMap<Entry, readonly RequestCount[]>> {
  const entries = route.entries.filter((entry) => entry.in === 'redis')
  const counts = entries.map(
    async (entry, database) =>
      [entry, await countRequests(route, entry, { ...counting, database })] as const,
  )
  return new Map(await Promise.all(counts))
}

/** Sends requests one at a time. The first do not count: they find no script and no connection yet. */
async function countRequests(
  route: Route,
  entry: Entry,
  { compiled, server, database }: Counting & { database: number },
): Promise<readonly RequestCount[]> {
  const proxy = await startCountingProxy(server)
  const served = await serve(compiled, entry.stack, `${proxy.url}/${database}`)
  const requests = route.requests(warm + counted)
  const agent = new Agent({ keepAlive: true })
  const sendOne = (at: number) => {
    const fields = requests.variants[at % requests.variants.length] ?? {}
    const { method, path, body } = requests
    return send({ url: served.url, method, path, fields, body, agent })
  }
  const sendKept = () => send({ url: served.url, method: 'POST', path: '/kept', fields: {} })
  const prepare = async () => {
    // A turn that was counted in vain has made its history longer.
    if (route.fill) await fill(served.url, requests)
    // Who remembers a refusal asks again after a second: the refusals that are counted begin there.
    if (requests.status === 429) await sleep(1000)
    // Who heard too late that purges can be heard has put nothing in L1 yet.
    if (route.cached) await sendOne(0)
    await quiet(proxy)
  }
  // What is asked for in vain is asked for once more, and then as something else.
  let next = warm
  const count = async () => {
    const exchanges: Exchange[] = []
    for (let left = counted; left > 0; left -= 1) {
      proxy.reset()
      const answer = await sendOne(next)
      next += 1
      const before = proxy.roundTrips
      if (keptLater.has(requests.path)) await sendKept()
      await quiet(proxy)
      const { counts: names, commands, roundTrips } = proxy
      exchanges.push({ answer, cost: { commands: commands.length, roundTrips, before, names } })
    }
    return exchanges
  }
  try {
    if (route.fill) await fill(served.url, requests)
    for (let at = 0; at < warm; at += 1) await sendOne(at)
    await sendKept()
    const exchanges = await untilUndisturbed(route, served, {
      prepare,
      count: requests.status === 429 ? () => countRefused(proxy, sendOne) : count,
    })
    for (const { answer } of exchanges) check(route, entry, requests, answer)
    return exchanges.map(({ cost }) => cost)
  } finally {
    agent.destroy()
    await served.end()
    await proxy.close()
  }
}

/** In characters. */
const answerSizes: Readonly<Record<string, number>> = {
  ...{ '/answer': 2048, '/answer64': 65_536 },
  ...{ '/answer256': 262_144, '/answer1024': 1_048_576 },
}

/** Routes whose work ends by POST /kept. */
const keptLater: ReadonlySet<string> = new Set(['/turn', '/settled'])

/** Sends one request that finds out, and counts those after it: what one of them costs. */
async function countRefused(
  proxy: CountingProxy,
  sendOne: (at: number) => Promise<Answer>,
): Promise<readonly Exchange[] | undefined> {
  const began = performance.now()
  let answer = await sendOne(0)
  proxy.reset()
  for (let at = 0; at < refused.count; at += 1) answer = await sendOne(at)
  if (performance.now() - began > refused.withinMs) return undefined
  const { counts: names, commands, roundTrips } = proxy
  const before = roundTrips / refused.count
  const cost = { commands: commands.length / refused.count, roundTrips: before, before, names }
  return [{ answer, cost }]
}

/** A request that was counted, and what it was answered. */
interface Exchange {
  readonly answer: Answer
  readonly cost: RequestCount
}

/**
 * What a request costs that went on without Redis, did not find in a cache what a busy machine had
 * no time to put there, or came too late, is not what is asked here: it is asked again.
 *
 * @throws Error when that does not help.
 */
async function untilUndisturbed<T>(
  { title, framework, cached }: Route,
  served: Served,
  { prepare, count }: { prepare: () => Promise<void>; count: () => Promise<T | undefined> },
): Promise<T> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    await prepare()
    const before = await served.usage()
    const found = await count()
    const after = await served.usage()
    const alone = after.withoutStore > before.withoutStore
    const past = alone || (cached && after.runs > before.runs)
    if (found !== undefined && !past) return found
    await sleep(pauseMs)
  }
  throw new Error(
    `${title} on ${framework} cannot be counted: it is late, or goes past Redis or its cache`,
  )
}

/** Waits for what is sent after the answer. */
async function quiet(proxy: CountingProxy): Promise<void> {
  for (let seen = -1; seen !== proxy.commands.length; ) {
    seen = proxy.commands.length
    await sleep(quietMs)
  }
}

/** The stacks are only comparable where they do the same: answer, and remember. */
function check(
  { title, framework }: Route,
  { label, stack }: Entry,
  { path, status }: Requests,
  answer: Answer,
): void {
  const where = `${label}, ${title} on ${framework}`
  if (answer.status !== status)
    throw new Error(`${where}: answered ${answer.status}, not ${status}: ${answer.body}`)
  const should = answerSizes[path]
  if (should !== undefined && answer.body.length !== should)
    throw new Error(`${where}: ${answer.body.length} characters, not ${should}`)
  if (path !== '/chat' && path !== '/turn') return
  const { remembered } = JSON.parse(answer.body) as { remembered: number }
  // With the question there are 21, of which a context holds the end from a turn on.
  if (remembered !== 20 && !(stack.endsWith('/turns') && remembered >= fewestMessages))
    throw new Error(`${where}: read ${remembered} messages, not 20`)
}
