import type { Socket } from 'node:net'
import type { TestServer } from './redis.ts'
import { connectBehind, startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** What goes wrong. Faults that are left out do not happen. */
interface Faults {
  /** New connections are reset. Those that stand go on: see `reset()`. */
  readonly refuse?: boolean
  /** New connections are accepted and never answered, also not later. Those that stand go on. */
  readonly silence?: boolean
  /** Nothing passes, either way; what was held passes, in order, when the stall ends. */
  readonly stall?: boolean
  /** Replies arrive this much later, in order, in milliseconds. */
  readonly delayMs?: number
}

/** A proxy that fails when told. */
export interface FaultProxy extends TcpProxy {
  /** Connections it has accepted so far, refused ones among them. */
  readonly accepted: number
  /** From now on these faults, and no others. */
  set(faults: Faults): void
  /** No faults from now on; what a stall held passes. */
  clear(): void
  /** Resets every connection (RST) once. New ones are served. */
  reset(): void
}

/** Starts a proxy in front of `target` that passes everything on until it is told otherwise. */
export async function startFaultProxy(
  target: Pick<TestServer, 'url' | 'host' | 'port'>,
): Promise<FaultProxy> {
  let faults: Faults = {}
  let accepted = 0
  const clients = new Set<Socket>()
  const lanes = new Set<Lane>()

  function serve(client: Socket): void {
    const server = connectBehind(client, target)
    const now = () => faults
    const up = new Lane(now, (bytes) => server.write(bytes))
    const down = new Lane(now, (bytes) => client.write(bytes))
    lanes.add(up).add(down)
    client.on('data', (bytes) => up.push(bytes, 0))
    server.on('data', (bytes) => down.push(bytes, faults.delayMs ?? 0))
    client.once('close', () => {
      for (const lane of [up, down]) {
        lane.drop()
        lanes.delete(lane)
      }
    })
  }

  const proxy = await startTcpProxy(target, (client) => {
    accepted += 1
    if (faults.refuse === true) return void client.resetAndDestroy()
    clients.add(client)
    client.once('close', () => clients.delete(client))
    if (faults.silence === true) client.resume()
    else serve(client)
  })

  function set(next: Faults): void {
    faults = next
    for (const lane of lanes) lane.move()
  }
  return {
    ...proxy,
    get accepted() {
      return accepted
    },
    set,
    clear: () => set({}),
    reset() {
      for (const client of clients) client.resetAndDestroy()
    },
  }
}

/** One direction of a connection: passes bytes on in order, late or held. */
class Lane {
  readonly #faults: () => Faults
  readonly #write: (bytes: Buffer) => void
  #waiting: { readonly at: number; readonly bytes: Buffer }[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(faults: () => Faults, write: (bytes: Buffer) => void) {
    this.#faults = faults
    this.#write = write
  }

  push(bytes: Buffer, delayMs: number): void {
    const last = this.#waiting.at(-1)?.at ?? 0
    this.#waiting.push({ at: Math.max(last, performance.now() + delayMs), bytes })
    this.move()
  }

  /** Passes on what is due. */
  move(): void {
    clearTimeout(this.#timer)
    if (this.#faults().stall === true) return
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const wait = next.at - performance.now()
      if (wait > 0) {
        this.#timer = setTimeout(() => this.move(), wait)
        return
      }
      this.#waiting.shift()
      this.#write(next.bytes)
    }
  }

  /** Forgets what has not passed. */
  drop(): void {
    clearTimeout(this.#timer)
    this.#waiting = []
  }
}
