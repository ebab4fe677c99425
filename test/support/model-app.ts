import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../../lib/index.ts'
import type { App, Exchange, Framework, Mounts, Native } from './apps.ts'

type Limit = NonNullable<Mounts['limit']>
type Rule = NonNullable<Limit['limits']>[number]

/** One line of the handler's own log. */
interface Spent {
  readonly user: string
  readonly estimate: number
  /** What the request came to, as far as the handler knows. */
  readonly charged: number
}

/** What is told of one who looks. */
export interface Told {
  readonly log: readonly Spent[]
  /** Failures that the limiter went on from: of a machine that is too busy. */
  readonly troubles: number
}

/** How a request ends: `x-fate`. Billed is what the model has told before. */
export const fates = [
  'settled',
  'settled twice',
  'never settled',
  'failed',
  'failed, billed',
  'gone',
  'gone, billed',
] as const
export type Fate = (typeof fates)[number]

/** The fields of a request to a model. */
export interface Ask {
  readonly estimate: number
  readonly real: number
  readonly fate: Fate
  /** How long the model thinks. */
  readonly ms: number
}

/** The header fields that say so. */
export function askFields({ estimate, real, fate, ms }: Ask): Record<string, string> {
  return { 'x-cost': `${estimate}`, 'x-real': `${real}`, 'x-fate': fate, 'x-ms': `${ms}` }
}

/**
 * Serves what answers as a model would: `x-cost` is the estimate, `x-real` what it comes to. A
 * request with `x-look` is not counted and told the log; `x-open` opens a stream for so many
 * milliseconds.
 */
export function serveModel(
  framework: Framework,
  store: Store,
  { limits, ...limit }: Omit<Limit, 'limits'> & { limits: readonly Rule[] },
): Promise<App> {
  const log: Spent[] = []
  let troubles = 0
  channel('memoryware:error').subscribe(() => {
    troubles += 1
  })
  const cost = (native: Native) => Number(native.get('x-cost') ?? 1)
  const rules = limits.map((rule) => (rule.unit === undefined ? rule : { ...rule, cost }))
  const skip = (native: Native) => native.get('x-look') !== undefined && native.get('x-look') !== ''
  return framework.serve({ limit: { store, skip, ...limit, limits: rules } }, async (exchange) => {
    if (exchange.header('x-look')) {
      const told: Told = { log, troubles }
      return exchange.send(200, JSON.stringify(told))
    }
    const open = exchange.header('x-open')
    if (open !== undefined) return stream(exchange, Number(open))
    if (!exchange.header('x-fate')) return exchange.send(200, JSON.stringify(exchange.rateLimit))
    await answer(exchange, log)
  })
}

/** Node's own response, which the framework lets go of. */
export function rawResponse({ target }: Exchange): ServerResponse {
  if (!('res' in target)) return target as ServerResponse
  target.respond = false
  return target.res as ServerResponse
}

async function stream(exchange: Exchange, ms: number): Promise<void> {
  const res = rawResponse(exchange)
  res.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': open\n\n')
  await Promise.race([sleep(ms), once(res, 'close')])
  res.end()
}

async function answer(exchange: Exchange, log: Spent[]): Promise<void> {
  const { rateLimit } = exchange
  const number = (name: string) => Number(exchange.header(name))
  const fate = exchange.header('x-fate') as Fate
  const [estimate, real] = [number('x-cost'), number('x-real')]
  if (fate.startsWith('gone')) await goneOf(exchange)
  else await sleep(number('x-ms'))
  const billed = fate.startsWith('settled') || fate.endsWith('billed')
  const unbilled = fate === 'never settled' ? estimate : 0
  const user = exchange.header('x-user') ?? ''
  log.push({ user, estimate, charged: billed ? real : unbilled })
  if (fate === 'settled twice') await rateLimit.settle({ tokens: Math.ceil(real / 2) })
  if (billed) await rateLimit.settle({ tokens: real })
  if (fate.startsWith('failed')) throw new Error('the model is away')
  if (!fate.startsWith('gone')) exchange.send(200, 'answered')
}

async function goneOf(exchange: Exchange): Promise<void> {
  const res = rawResponse(exchange)
  if (!res.closed) await once(res, 'close')
}
