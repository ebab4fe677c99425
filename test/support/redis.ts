import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis, type RedisOptions } from 'ioredis'
import { type HeldPort, holdPort } from './ports.ts'
import { endAtExit } from './processes.ts'
import { redisBinary } from './redis-binary.ts'
import { type Place, type RedisProcess, socketIn, spawnRedis } from './redis-process.ts'
import { type ClientTls, clientTls, type ServerOptions, settle } from './redis-settings.ts'

export { freePort } from './ports.ts'
export type { ServerOptions } from './redis-settings.ts'

/** What a client may be told; ioredis types the one option left out differently in its constructor. */
export type ClientOptions = Omit<RedisOptions, 'replyMapping'>

/** A Redis server of the test's own, on a free port of 127.0.0.1, data in a folder of its own. */
export interface TestServer {
  /** `redis://…`, or `rediss://…` where it speaks TLS, with the password where there is one. */
  readonly url: string
  /** What a client needs beside the URL where it speaks TLS. */
  readonly tls: ClientTls | undefined
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
  const args = await settle(options, folder)
  const access = { password: options.password, tls: await clientTls(options) }
  for (let attempt = 1; ; attempt += 1) {
    const held = await holdPort()
    const place = {
      ...{ folder, port: held.port, args },
      ...{ peers: options.peers === true, tls: options.tls !== undefined },
    }
    try {
      const running = await launch(place, access)
      return testServer({ running, held, place }, access)
    } catch (error) {
      held.giveBack()
      // Another program may take the port between the look and the start.
      if (attempt < 5 && portTaken.test(String(error))) continue
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }
}

const portTaken = /already in use|could not create server tcp|failed listening on port/i

interface Access {
  readonly password: string | undefined
  readonly tls: ClientTls | undefined
}

async function launch(place: Place, access: Access): Promise<RedisProcess> {
  const binary = await redisBinary()
  const running = spawnRedis(binary, place)
  // The socket is in our own folder: a stranger on the same port cannot answer for our server.
  const probe = connect(
    binary.kind === 'program' ? { path: socketIn(place.folder) } : { port: place.port },
    access,
  )
  const failed = running.ended.then((printed) => {
    throw new Error(`redis-server ended instead of answering:\n${printed}`)
  })
  try {
    await Promise.race([probe.ping().catch(allowRefusal), failed, late()])
  } catch (error) {
    running.signal('SIGKILL')
    throw error
  } finally {
    failed.catch(() => {}) // It ends some day; only before its first answer is that a failure.
    probe.disconnect()
  }
  return running
}

/** Who may do nothing before logging in has been answered too. */
function allowRefusal(error: Error): void {
  if (!/^(NOAUTH|NOPERM)/.test(error.message)) throw error
}

function late(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error('redis-server does not answer within 10 s')), 10_000).unref()
  })
}

function connect(where: ClientOptions, { password, tls }: Access): Redis {
  const options: ClientOptions = {
    protocol: 2,
    maxRetriesPerRequest: null,
    retryStrategy: () => 20,
    // It would wait for as long as the server thinks that it loads its data.
    maxLoadingRetryTime: 50,
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined || where.path !== undefined ? {} : { tls }),
    ...where,
  }
  const client = new Redis(options)
  client.on('error', () => {}) // It tries again: the server may start later or be killed meanwhile.
  return client
}

function testServer(
  first: { running: RedisProcess; held: HeldPort; place: Place },
  access: Access,
): TestServer {
  const { held, place } = first
  const { folder, port } = place
  const clients = new Set<Redis>()
  // The server, killed just before, may still have been writing: then the folder is not empty at once.
  const forget = endAtExit(() =>
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }),
  )
  let { running } = first

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    running.signal('SIGCONT')
    running.signal(signal)
    await running.ended
  }

  return {
    url: urlOf(port, access),
    tls: access.tls,
    host: '127.0.0.1',
    port,
    path: socketIn(folder),
    get pid() {
      return running.pid
    },
    client(options = {}) {
      const client = connect({ host: '127.0.0.1', port, ...options }, access)
      clients.add(client)
      client.once('end', () => clients.delete(client))
      return client
    },
    freeze: () => running.signal('SIGSTOP'),
    thaw: () => running.signal('SIGCONT'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM')
      running = await launch(place, access)
    },
    async stop() {
      for (const client of clients) client.disconnect()
      await end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
      held.giveBack()
      forget()
    },
  }
}

function urlOf(port: number, { password, tls }: Access): string {
  const user = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  return `${tls === undefined ? 'redis' : 'rediss'}://${user}127.0.0.1:${port}`
}
