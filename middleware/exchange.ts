import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { Awaitable } from '../lib/awaitable.ts'

/** Header fields of a response: lower-case names. */
export type Fields = Record<string, string | readonly string[]>

/** What an answer carries. Text goes out in one piece with the head. */
export type Body = string | Buffer | Readable

/** A response, or what holds one and lets go of it with `respond: false`. */
export type ReplyTarget =
  | ServerResponse
  | { readonly res: ServerResponse; respond?: boolean | undefined }

/** One request and its response, as every framework can offer them. */
export interface Exchange<Native> {
  /** What the framework hands its own middleware: Express's `req`, Koa's `ctx`. */
  readonly native: Native
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** Path and query as the client sent them, wherever the middleware is mounted. */
  readonly url: string
  /** Path without what the framework took off it where the middleware is mounted, and without query. */
  readonly path: string
  /** `http` or `https`, as the framework sees it behind the proxies it trusts. */
  readonly protocol: string
  /** Host and port, as the framework sees them behind the proxies it trusts. */
  readonly host: string
  /** The client's address, as the framework sees it behind the proxies it trusts. */
  readonly ip: string | undefined
  /** The application of the framework, where there is one. */
  readonly app: unknown
  /** Who the application says this is: `user.id`, else `session.userId`. */
  readonly userId: unknown
  /** The route's parameter `sessionId`, where the route has one. */
  readonly sessionParam: string | undefined
  /** The body, where a body parser ran before; `undefined` where none did. */
  parsedBody(): unknown
  /** Puts a helper where handlers look for it: `req.memory`, `ctx.memory`. Read anew each time. */
  attach(name: string, read: () => unknown): void
  /** Whether others than handlers may look for helpers: they came first, and look once it is answered. */
  readonly isWatched: boolean
  /** Whether others than the client get to see the bytes of an answer, and could write into them. */
  readonly showsBody: boolean
  /** Keeps what stands on the response now: it is answered, and then the rest of the chain runs. */
  keepHead(): void
  /** Answers at once; nothing downstream runs. */
  answer(status: number, fields: Fields, body: Body | undefined): void
  /** Where an answer goes that is written piece by piece: Express's `res`, Koa's `ctx`. */
  readonly target: ReplyTarget
}

/** Follows what the rest of the chain answers, as the bytes go out. */
export interface Observer {
  /**
   * Status and the fields that the rest of the chain set, before the first byte goes out: what
   * stood on the response before is not among them. The fields given back are set as well. False
   * stops the observation. `withhold` keeps head and body from the client: the observer still gets
   * the pieces, and answers by itself, through the exchange, no sooner than in `end`. Until then the
   * response takes back what the chain has set, so that it stands as it did before.
   */
  head(status: number, fields: Fields): Fields | false | 'withhold'
  /** A piece of the body, once each, in order. */
  chunk(bytes: Buffer): void
  /** The response is over: `complete` when the handler ended it, not when it broke off. */
  end(complete: boolean): void
  /**
   * The rest of the chain threw, or destroyed the response, before any byte went out. True where the
   * observer answers instead, through the exchange, within this call: the failure is its own from
   * then on, and nothing else is called.
   */
  rescue?(error: unknown): boolean
}

/** Looks at the head of what the rest of the chain answers, and at no more. */
export interface HeadWatcher {
  /** Lower-case names of the fields that it looks at. */
  readonly fields: readonly string[]
  /** Called once, before the head goes out or as soon as the rest of the chain is done. */
  told(status: number, fields: Fields): void
}

/**
 * What a middleware decided: go on, go on and tell an observer or
 * a watcher of heads, or it has answered. With `refresh`
 * it has answered after `keepHead()`, and the rest of the chain runs once that is out, against a response that
 * goes nowhere but to the observer; `undefined` from `refresh` where it need not run after all.
 * Where it cannot run (HTTP/2, a client that left) `refresh` is not called.
 */
export type Outcome =
  | 'next'
  | 'answered'
  | { readonly observe: Observer }
  | { readonly watch: HeadWatcher }
  | { readonly refresh: () => Promise<Observer | undefined> }

/**
 * One middleware, knowing no framework, in three steps, so that several can share a round trip.
 * `prepare` asks the application (user, key, body), `start` sends the first commands without
 * waiting, `finish` decides. A step that need not wait gives no promise: a request that nothing holds
 * up goes through in one run.
 */
export interface Core<Native, Prepared, Started> {
  prepare(exchange: Exchange<Native>): Awaitable<Prepared>
  start(exchange: Exchange<Native>, prepared: Prepared): Started
  finish(exchange: Exchange<Native>, prepared: Prepared, started: Started): Awaitable<Outcome>
}

/**
 * A core that shares a round trip with others. Where it says nothing of when its steps run, they run
 * as if it were mounted by itself.
 */
export interface Composable<Native, Prepared, Started> extends Core<Native, Prepared, Started> {
  /** The application's functions that `prepare` may call. */
  readonly asks: readonly unknown[]
  /** Whether `finish` waits for what `start` sent. Where nothing was sent, nothing goes along with it. */
  waits(started: Started): boolean
  /**
   * Prepares for a request that the cores before this one may still refuse. What has it, only reads
   * in `start`, and neither step shows or leaves anything behind. `undefined` where this cannot be
   * done without what only a request that passes may have: a look at its body.
   */
  ahead?(exchange: Exchange<Native>): Awaitable<Prepared | undefined>
}

/** A core whose steps hand each other what only it knows. */
export type AnyCore<Native> = Composable<Native, unknown, unknown>
