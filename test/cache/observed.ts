import type { RequestHandler } from 'express'
import type { Middleware } from 'koa'
import { carry } from '../../middleware/compose.ts'
import type { AnyCore, Exchange, Fields, Observer, Outcome } from '../../middleware/exchange.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import { eventually } from '../support/eventually.ts'
import { open, type Plan, type Site } from './site.ts'
import { Witness } from './witness.ts'

type Decide = (exchange: Exchange<unknown>) => Outcome | Promise<Outcome>

/** A middleware that does what it is told, on Express. */
export function deciding(decide: Decide): RequestHandler {
  const carried = { framework: 'express', cores: [coreOf(decide)] }
  return onExpress.compose(carry((async () => undefined) as never, carried)) as RequestHandler
}

/** A middleware that does what it is told, on Koa. */
function decidingOnKoa(decide: Decide): Middleware {
  const carried = { framework: 'koa', cores: [coreOf(decide)] }
  return onKoa.compose(carry((async () => undefined) as never, carried))
}

function coreOf(decide: Decide): AnyCore<unknown> {
  return {
    asks: [],
    prepare: async () => undefined,
    start: () => undefined,
    waits: () => false,
    finish: async (exchange) => decide(exchange),
  }
}

/** Serves a site whose middleware does what it is told. */
export function openDeciding(
  framework: 'express' | 'koa',
  decide: Decide,
  { express, koa, ...plan }: Plan,
): Promise<Site> {
  return open(framework, {
    ...plan,
    express: { ...express, before: [...(express?.before ?? []), deciding(decide)] },
    koa: { ...koa, before: [...(koa?.before ?? []), decidingOnKoa(decide)] },
  })
}

/** What a stand-in says at the head, and where the chain fails. */
export interface StandInPlan {
  readonly head?: ReturnType<Observer['head']>
  readonly rescue?: boolean
  readonly body?: Buffer
}

/** Keeps the chain's answer to itself and answers in its place. */
export class StandIn extends Witness implements Observer {
  readonly errors: unknown[] = []
  readonly #exchange: Exchange<unknown>
  readonly #plan: StandInPlan
  rescue?: (error: unknown) => boolean

  constructor(exchange: Exchange<unknown>, plan: StandInPlan = {}) {
    super()
    this.#exchange = exchange
    this.#plan = plan
    if (plan.rescue !== undefined) this.rescue = (error) => this.#rescue(error)
  }

  override head(status: number, fields: Fields): ReturnType<Observer['head']> {
    super.head(status, fields)
    return this.#plan.head ?? 'withhold'
  }

  override end(complete: boolean): void {
    super.end(complete)
    if (complete && (this.#plan.head ?? 'withhold') === 'withhold') this.#answer()
  }

  #rescue(error: unknown): boolean {
    this.errors.push(error)
    if (this.#plan.rescue) this.#answer()
    return this.#plan.rescue ?? false
  }

  #answer(): void {
    const fields = { 'content-type': 'text/stale', 'x-stale': 'yes' }
    this.#exchange.answer(203, fields, this.#plan.body ?? Buffer.from('stale'))
  }
}

/** What answers from nowhere, and what it was told of the runs that followed. */
export interface StaleAnswers {
  readonly decide: Decide
  readonly witnesses: Witness[]
  /** The first whose run has ended. */
  ended(): Promise<Witness>
}

/** Answers each request, and has the rest of the chain run in the background. */
export function staleAnswers(): StaleAnswers {
  const witnesses: Witness[] = []
  return {
    witnesses,
    decide(exchange) {
      exchange.keepHead()
      exchange.answer(203, { 'x-stale': 'yes', 'content-type': 'text/stale' }, Buffer.from('stale'))
      return {
        async refresh() {
          const witness = new Witness()
          witnesses.push(witness)
          return witness
        },
      }
    },
    ended: () =>
      eventually('the run ended', async () => witnesses.find(({ ends }) => ends.length > 0), {
        everyMs: 2,
      }),
  }
}

/** A site that answers from nowhere, and then runs its handler in the background. */
export async function openStale(
  framework: 'express' | 'koa',
  handle: Plan['handle'],
  plan: Partial<Plan> = {},
): Promise<Site & StaleAnswers> {
  const stale = staleAnswers()
  const outer = () => ({ 'x-outer': 'outer' })
  const site = await openDeciding(framework, stale.decide, { outer, handle, ...plan })
  return Object.assign(site, stale)
}
