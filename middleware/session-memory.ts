import { isSafe } from '../lib/cache/invalidation.ts'
import type { Deadline } from '../lib/deadline.ts'
import { type Ahead, readAhead } from '../lib/history/ahead.ts'
import { type Codec, codecOf } from '../lib/history/codec.ts'
import type { Memory } from '../lib/history/memory.ts'
import { openMemory } from '../lib/history/open-memory.ts'
import type { MemoryRules, MemoryScope } from '../lib/history/scope.ts'
import type { Turn } from '../lib/history/turn.ts'
import { decodeId } from '../lib/keys.ts'
import { type Beats, createPulse } from '../lib/pulse.ts'
import type { Serializer } from '../lib/serializer.ts'
import type { Store } from '../lib/store.ts'
import type { Composable, Exchange, Outcome } from './exchange.ts'
import {
  encodeClientId,
  endGuest,
  guestOf,
  identify,
  identifyLate,
  ownerOf,
  type UserOf,
} from './identity.ts'
import { checkMemoryOptions, type SessionMemoryOptions } from './memory-options.ts'
import { type Identity, requestDeadline, requestState } from './request-state.ts'

/** The session memory, knowing no framework. */
export function sessionMemoryCore<Native>(
  options: SessionMemoryOptions<Native>,
): Composable<Native, Identity, undefined> {
  const { store, rules } = checkMemoryOptions('sessionMemory', options)
  const { user, session, context } = options
  const idOf = (exchange: Exchange<Native>): string =>
    String(session?.(exchange.native) ?? sessionOf(exchange))

  return {
    asks: user ? [user] : [],
    prepare: (exchange) => identify(exchange, user),
    start: () => undefined,
    waits: () => false,
    finish(exchange, identity): Outcome {
      let opened: Memory | undefined
      const mount = { store, rules, user }
      const early = context?.ahead ? readEarly(exchange, mount, identity, idOf) : undefined
      const open = memoryOpener(exchange, mount, identity, early)
      requestState(exchange.req).openMemory = open
      exchange.attach('memory', () => {
        const id = idOf(exchange)
        if (opened?.id !== id) opened = open(id)
        return opened
      })
      return 'next'
    },
  }
}

/** What a mount opens conversations with. */
export interface MemoryMount<Native> {
  readonly store: Store
  readonly rules: MemoryRules
  readonly user: UserOf<Native> | undefined
}

/**
 * Opens conversations of whoever makes this request; who that is, is asked at the first. `early` is
 * used where it still is who it was.
 */
export function memoryOpener<Native>(
  exchange: Exchange<Native>,
  { store, rules, user }: MemoryMount<Native>,
  identity: Identity,
  early?: MemoryScope,
): (id: string) => Memory {
  let scope: MemoryScope | undefined
  function scopeOf(owner: string): MemoryScope {
    if (early?.owner === owner) return early
    return new RequestScope(exchange, owner, store, rules.serializer)
  }
  return (id) => {
    requestState(exchange.req).memoryUsed = true
    scope ??= scopeOf(ownerOf(exchange, identifyLate(exchange, user, identity)))
    return openMemory(rules, scope, id)
  }
}

/**
 * Begins to read the conversation of a request that may add to it, as far as it is known whose that
 * is: together with what a limiter behind this asks. Whatever is wrong with it is told to the handler.
 */
function readEarly<Native>(
  exchange: Exchange<Native>,
  { store, rules }: MemoryMount<Native>,
  { user, guest }: Identity,
  idOf: (exchange: Exchange<Native>) => string,
): MemoryScope | undefined {
  const owner = user ?? guest
  if (owner === undefined || isSafe(exchange.req.method ?? '')) return undefined
  const scope = new RequestScope(exchange, owner, store, rules.serializer)
  try {
    readAhead(rules, scope, idOf(exchange))
    return scope
  } catch {
    return undefined
  }
}

function sessionOf<Native>({ req, sessionParam }: Exchange<Native>): string {
  const field = req.headers['x-session-id']
  return sessionParam ?? (Array.isArray(field) ? field.join() : field) ?? 'default'
}

/** Who asks, in one request: what few requests need is made when it is asked for. */
class RequestScope<Native> implements MemoryScope {
  readonly owner: string
  readonly user: string
  readonly codec: Codec
  readonly deadline: Deadline
  degraded = false
  ahead: Ahead | undefined
  readonly #exchange: Exchange<Native>
  #turns: OpenTurns<Native> | undefined

  constructor(exchange: Exchange<Native>, owner: string, store: Store, serializer: Serializer) {
    this.#exchange = exchange
    this.owner = owner
    this.user = decodeId(owner)
    this.codec = codecOf(serializer, owner)
    this.deadline = requestDeadline(exchange.req, store)
  }

  get guest(): string | undefined {
    return guestOf(this.#exchange)
  }

  encodeSession(id: unknown): string {
    return encodeClientId('The session id', id)
  }

  began(turn: OpenTurn): void {
    this.#turns ??= new OpenTurns(this.#exchange)
    this.#turns.add(turn)
  }

  endGuest(): void {
    endGuest(this.#exchange)
  }
}

/** Turns whose client has gone before there was a response. */
const unanswered = createPulse<() => void>(1000, (look) => look())

/**
 * The turns that a request has begun and not ended. A handler that failed has left them open: nobody
 * would begin another until they are forgotten. That a client has gone is no failure; its handler may
 * still fail later.
 */
class OpenTurns<Native> {
  readonly #exchange: Exchange<Native>
  readonly #open: OpenTurn[] = []
  #waiting: Beats | undefined

  constructor(exchange: Exchange<Native>) {
    this.#exchange = exchange
    requestState(exchange.req).failures.push(() => this.#end())
    exchange.res.on('close', () => this.#gone())
  }

  add(turn: OpenTurn): void {
    this.#open.push(turn)
    if (this.#exchange.res.closed) this.#gone()
    const ended = () => this.#ended(turn)
    turn.reply().then(ended, ended)
  }

  #ended(turn: OpenTurn): void {
    this.#open.splice(this.#open.indexOf(turn), 1)
    if (this.#open.length === 0) this.#waiting?.end()
  }

  #gone(): void {
    if (this.#open.length === 0) return
    this.#waiting ??= unanswered.of(() => this.#look())
    this.#waiting.begin()
    this.#look()
  }

  #look(): void {
    const { res } = this.#exchange
    if (!res.writableEnded) return
    this.#waiting?.end()
    if (res.statusCode >= 400) this.#end()
  }

  #end(): void {
    // A turn that has ended says so, and that is all.
    for (const turn of [...this.#open]) turn.abort().catch(() => {})
  }
}

type OpenTurn = Pick<Turn, 'abort' | 'reply'>
