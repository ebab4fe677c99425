import type { Socket } from 'node:net'
import { Lane, type Pace } from './fault-lane.ts'
import type { TestServer } from './redis.ts'
import { connectBehind, reset, startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** What goes wrong. Faults that are left out do not happen. `stall` holds both ways; other paces are those of replies. */
interface Faults extends Pace {
  /** New connections are reset. Those that stand go on: see `reset()`. */
  readonly refuse?: boolean
  /** New connections are accepted and never answered, also not later. Those that stand go on. */
  readonly silence?: boolean
  /** What becomes of replies; the server has done what it was asked. */
  readonly harm?: Harm
}

/** Replies that do not arrive as they were. What arrives from the server in one piece is one here. */
interface Harm {
  /**
   * `truncate`: the first half arrives, then the connection ends. `garbage`: bytes arrive that are no
   * RESP. `reset`: the connection is reset instead.
   */
  readonly to: 'truncate' | 'garbage' | 'reset'
  /** How likely it is for each, from 0 to 1. @default 1 */
  readonly chance?: number
  /** To how many replies at most. @default without end */
  readonly times?: number
}

/** A proxy that fails when told. */
export interface FaultProxy extends TcpProxy {
  /** Connections it has accepted so far, refused ones among them. */
  readonly accepted: number
  /** Replies it has harmed so far. */
  readonly harmed: number
  /** From now on these faults, and no others. */
  set(faults: Faults): void
  /** No faults from now on; what a stall held passes. */
  clear(): void
  /** Resets every connection (RST) once. New ones are served. */
  reset(): void
  /** Ends every connection in order (FIN) once. New ones are served. */
  finish(): void
  /**
   * The peer of every connection that stands is gone without a word: nothing passes on them any more,
   * either way, also not after `clear()`. New ones are served.
   */
  lose(): void
}

const garbage = Buffer.from([0x00, 0xff, 0x13, 0x37, 0x0d, 0x0a, 0x00, 0x21, 0x0d, 0x0a])

/** A connection of a client, and the one to the server behind it. */
interface Passage {
  readonly client: Socket
  readonly lanes: readonly Lane[]
  /** Nothing passes any more. */
  gone: boolean
}

/** Starts a proxy in front of `target` that passes everything on until it is told otherwise. */
export async function startFaultProxy(
  target: Pick<TestServer, 'url' | 'host' | 'port'>,
): Promise<FaultProxy> {
  let faults: Faults = {}
  let [accepted, harmed, harmedNow] = [0, 0, 0]
  const clients = new Set<Socket>()
  const passages = new Set<Passage>()

  function serve(client: Socket): void {
    const server = connectBehind(client, target)
    const up = new Lane(
      () => ({ stall: faults.stall === true }),
      (bytes) => server.write(bytes),
    )
    const down = new Lane(
      () => faults,
      (bytes) => client.write(bytes),
    )
    const passage: Passage = { client, lanes: [up, down], gone: false }
    passages.add(passage)
    client.on('data', (bytes) => {
      if (!passage.gone) up.push(bytes)
    })
    server.on('data', (bytes) => {
      if (!passage.gone) reply(passage, down, bytes)
    })
    client.once('close', () => {
      for (const lane of passage.lanes) lane.drop()
      passages.delete(passage)
    })
  }

  function reply(passage: Passage, down: Lane, bytes: Buffer): void {
    const to = harmDue() ? faults.harm?.to : undefined
    if (to !== undefined) {
      harmed += 1
      harmedNow += 1
      passage.gone = to !== 'garbage'
    }
    if (to === 'reset') reset(passage.client)
    else if (to === 'truncate')
      down.push(bytes.subarray(0, bytes.length / 2), () => passage.client.end())
    else down.push(to === 'garbage' ? garbage : bytes)
  }

  function harmDue(): boolean {
    const { chance = 1, times = Number.POSITIVE_INFINITY } = faults.harm ?? { chance: 0 }
    return harmedNow < times && Math.random() < chance
  }

  const proxy = await startTcpProxy(target, (client) => {
    accepted += 1
    if (faults.refuse === true) return reset(client)
    clients.add(client)
    client.once('close', () => clients.delete(client))
    if (faults.silence === true) client.resume()
    else serve(client)
  })

  function set(next: Faults): void {
    faults = next
    harmedNow = 0
    for (const { lanes } of passages) for (const lane of lanes) lane.move()
  }
  return {
    ...proxy,
    get accepted() {
      return accepted
    },
    get harmed() {
      return harmed
    },
    set,
    clear: () => set({}),
    reset() {
      for (const client of clients) reset(client)
    },
    finish() {
      for (const client of clients) client.end()
    },
    lose() {
      for (const passage of passages) {
        passage.gone = true
        for (const lane of passage.lanes) lane.drop()
      }
    },
  }
}
