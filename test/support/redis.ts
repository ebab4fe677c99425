import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis, type RedisOptions } from 'ioredis'
import { endAtExit } from './processes.ts'
import { redisBinary } from './redis-binary.ts'
import { type Place, type RedisProcess, socketIn, spawnRedis } from './redis-process.ts'

/** What a client may be told; ioredis types the one option left out differently in its constructor. */
export type ClientOptions = Omit<RedisOptions, 'replyMapping'>

/** Settings of a server; without any it forgets everything when it ends. */
export interface ServerOptions {
  /** More settings, as on the command line: `['--maxmemory', '8mb']`. */
  readonly args?: readonly string[]
  /** The password of the default user. */
  readonly password?: string
  /** Writes every change to disk (AOF, fsync everysec), so that it survives `kill()`. */
  readonly appendonly?: boolean
  /** Speaks with other servers here: in Docker it then stands in the network of this host. */
  readonly peers?: boolean
}

/** A Redis server of the test's own, on a free port of 127.0.0.1, data in a folder of its own. */
export interface TestServer {
  /** `redis://…`, with the password where there is one. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** Its Unix socket. */
  readonly path: string
  /** Of the server now running: another one after `restart()`. */
  readonly pid: number
  /** A fresh plain client, to look at what is stored; `stop()` closes it. */
  client(options?: ClientOptions): Redis
  /** Stops it as SIGSTOP does: connections stay open, nothing answers. */
  freeze(): void
  /** Lets a frozen server go on. */
  thaw(): void
  /** Kills it as a crash does, and waits until it is gone. The port stays free for `restart()`. */
  kill(): Promise<void>
  /** Starts it again on the same port and folder; one that still runs is ended in order first. */
  restart(): Promise<void>
  /** Ends it, frozen or not, closes its clients and removes its folder. */
  stop(): Promise<void>
}

/** Starts a server and waits until it answers. */
export async function startRedis(options: ServerOptions = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'memoryware-'))
  const args = serverArgs(options)
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    try {
      const place = { folder, port, args, peers: options.peers === true }
      const running = await launch(place, options.password)
      return testServer(running, place, options.password)
    } catch (error) {
      // Another program may take the port between the look and the start.
      if (attempt < 5 && portTaken.test(String(error))) continue
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }
}

const portTaken = /already in use|could not create server tcp|failed listening on port/i

/**
 * A port of 127.0.0.1 that nobody listens on now. Below those that systems hand out to connections
 * (from 32768 on, Linux), and so is the port of a cluster's bus, 10000 above: a server that is away
 * for a while finds both as it left them.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const port = 12_000 + randomInt(10_000)
    const free = await canListen(port)
    if (free) return port
    if (attempt === 100) throw new Error('Found no free port between 12000 and 21999')
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

function serverArgs({ args = [], password, appendonly = false }: ServerOptions): string[] {
  const kept = appendonly ? ['--appendonly', 'yes', '--appendfsync', 'everysec'] : []
  const locked = password === undefined ? [] : ['--requirepass', password]
  return ['--save', '', ...kept, ...locked, ...args]
}

async function launch(place: Place, password: string | undefined): Promise<RedisProcess> {
  const binary = await redisBinary()
  const running = spawnRedis(binary, place)
  // The socket is in our own folder: a stranger on the same port cannot answer for our server.
  const probe = connect(
    binary.kind === 'program' ? { path: socketIn(place.folder) } : { port: place.port },
    password,
  )
  const failed = running.ended.then((printed) => {
    throw new Error(`redis-server ended instead of answering:\n${printed}`)
  })
  try {
    await Promise.race([probe.ping(), failed, late()])
  } catch (error) {
    running.signal('SIGKILL')
    throw error
  } finally {
    failed.catch(() => {}) // It ends some day; only before its first answer is that a failure.
    probe.disconnect()
  }
  return running
}

function late(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error('redis-server does not answer within 10 s')), 10_000).unref()
  })
}

function connect(where: ClientOptions, password: string | undefined): Redis {
  const options: ClientOptions = {
    protocol: 2,
    maxRetriesPerRequest: null,
    retryStrategy: () => 20,
    ...(password === undefined ? {} : { password }),
    ...where,
  }
  const client = new Redis(options)
  client.on('error', () => {}) // It tries again: the server may start later or be killed meanwhile.
  return client
}

function testServer(first: RedisProcess, place: Place, password: string | undefined): TestServer {
  const { folder, port } = place
  const clients = new Set<Redis>()
  // The server, killed just before, may still have been writing: then the folder is not empty at once.
  const forget = endAtExit(() =>
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }),
  )
  let running = first

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    running.signal('SIGCONT')
    running.signal(signal)
    await running.ended
  }

  return {
    url: `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    path: socketIn(folder),
    get pid() {
      return running.pid
    },
    client(options = {}) {
      const client = connect({ host: '127.0.0.1', port, ...options }, password)
      clients.add(client)
      client.once('end', () => clients.delete(client))
      return client
    },
    freeze: () => running.signal('SIGSTOP'),
    thaw: () => running.signal('SIGCONT'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM')
      running = await launch(place, password)
    },
    async stop() {
      for (const client of clients) client.disconnect()
      await end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
      forget()
    },
  }
}
