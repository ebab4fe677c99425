import { setTimeout as sleep } from 'node:timers/promises'
import { closeSites, open, type Plan, type Sent, type Site } from '../../cache/site.ts'
import { type Ask, type Got, type LeakCase, ownText, sameBodies } from './leak-case.ts'

/** Where a case is tried. */
export interface Trial {
  readonly framework: 'express' | 'koa'
  readonly plan: Partial<Plan>
  /** Waits until all that was written before is there. */
  readonly settled: () => Promise<unknown>
  /** How long a request may take, in milliseconds; one that takes longer has got nothing. */
  readonly patienceMs: number
}

let count = 0

/** Plays the script of a case, each time under a path of its own; true where it leaked. */
export async function leaks(leakCase: LeakCase, trial: Trial): Promise<boolean> {
  const { asks = [['/a'], ['/a']], handle = ownText, leaked = sameBodies } = leakCase
  count += 1
  const { framework } = trial
  const site = await open(framework, { ...merged(leakCase.plan ?? {}, trial.plan), handle })
  const got: Got[] = []
  for (const [at, [path, sent = {}]] of asks.entries()) {
    const leaves = at === 0 && leakCase.firstLeaves === true
    const request: Ask = [
      `/${count}${path}`,
      { ...sent, headers: { host: 'x.test', ...sent.headers } },
    ]
    got.push(await (leaves ? leave(site, request) : ask(site, request, trial.patienceMs)))
    await trial.settled()
  }
  await closeSites()
  return leaked(got)
}

/** The peer or our store goes to what the case wants around the handler. */
function merged(plan: Partial<Plan>, trial: Partial<Plan>): Partial<Plan> {
  return {
    ...plan,
    ...('cache' in trial
      ? { cache: trial.cache && { ttl: 60, ...plan.cache, ...trial.cache } }
      : {}),
    express: { ...plan.express, ...trial.express },
    koa: { ...plan.koa, ...trial.koa },
  }
}

async function ask(site: Site, [path, sent]: Ask, patienceMs: number): Promise<Got> {
  const patience = AbortSignal.timeout(patienceMs)
  try {
    return await site.get(path, { ...sent, signal: patience })
  } catch {
    return patience.aborted ? 'nothing' : 'broken'
  }
}

/** Asks, and is gone as soon as the handler runs. */
async function leave(site: Site, [path, sent]: Ask): Promise<Got> {
  const gone = new AbortController()
  const asked: Promise<unknown> = site.get(path, { ...(sent as Sent), signal: gone.signal })
  const ended = asked.catch(() => undefined)
  while (site.runs === 0) await sleep(1)
  await sleep(10)
  gone.abort()
  await ended
  return 'broken'
}
