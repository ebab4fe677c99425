import type { TestServer } from './redis.ts'
import { connectBehind, startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** A proxy that counts what passes. Counts hold for all connections together. */
export interface CountingProxy extends TcpProxy {
  /** Names of the commands since the start or `reset()`, in capitals, in the order they passed. */
  readonly commands: readonly string[]
  /** How often each command passed. */
  readonly counts: Readonly<Record<string, number>>
  /**
   * How often a client sent something after it had been answered: what is sent without waiting for
   * an answer is one round trip, what waits for an earlier answer is one more.
   */
  readonly roundTrips: number
  /** Counts from 0 again. */
  reset(): void
}

/** Starts a counting proxy in front of `target`; connect a client to its `url`. */
export async function startCountingProxy(
  target: Pick<TestServer, 'url' | 'host' | 'port'>,
): Promise<CountingProxy> {
  let commands: string[] = []
  let roundTrips = 0
  let answered = true
  const proxy = await startTcpProxy(target, (client) => {
    const server = connectBehind(client, target)
    const reader = new CommandReader((name) => commands.push(name))
    client.on('data', (bytes) => {
      // The rest of a large command is no new request, whatever was answered meanwhile.
      if (answered && reader.between) {
        roundTrips += 1
        answered = false
      }
      reader.read(bytes)
      server.write(bytes)
    })
    server.on('data', (bytes) => {
      answered = true
      client.write(bytes)
    })
  })
  return {
    ...proxy,
    get commands() {
      return commands
    },
    get counts() {
      return countByName(commands)
    },
    get roundTrips() {
      return roundTrips
    },
    reset() {
      commands = []
      roundTrips = 0
      answered = true
    },
  }
}

function countByName(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

const LINE_FEED = 10

/** Reads RESP requests, arrays of bulk strings, and tells the name of each; arguments are skipped. */
class CommandReader {
  readonly #tell: (name: string) => void
  #line = ''
  /** Arguments of the current command still to come, its name included. */
  #left = 0
  /** Bytes of the current argument still to come, its line end included. */
  #body = 0
  /** The first argument as far as it has come; undefined once it has been told. */
  #name: string | undefined

  constructor(tell: (name: string) => void) {
    this.#tell = tell
  }

  /** No command has begun that has not ended. */
  get between(): boolean {
    return this.#left === 0 && this.#line === ''
  }

  read(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) at = this.#body > 0 ? this.#skip(bytes, at) : this.#header(bytes, at)
  }

  #skip(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#body)
    if (this.#name !== undefined) this.#name += bytes.toString('latin1', from, to)
    this.#body -= to - from
    if (this.#body === 0) this.#endArgument()
    return to
  }

  #endArgument(): void {
    this.#left -= 1
    if (this.#name === undefined) return
    this.#tell(this.#name.trim().toUpperCase())
    this.#name = undefined
  }

  #header(bytes: Buffer, from: number): number {
    const end = bytes.indexOf(LINE_FEED, from)
    this.#line += bytes.toString('latin1', from, end === -1 ? bytes.length : end)
    if (end === -1) return bytes.length
    const size = Number(this.#line.slice(1))
    if (this.#line.startsWith('*')) {
      this.#left = size
      this.#name = ''
    } else {
      this.#body = size + 2
    }
    this.#line = ''
    return end + 1
  }
}
