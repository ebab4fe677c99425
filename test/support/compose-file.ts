import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { Redis } from 'ioredis'
import { parse } from 'yaml'
import { type HeldPort, holdPort } from './ports.ts'
import { killAtExit } from './processes.ts'
import { type RedisBinary, redisBinary } from './redis-binary.ts'
import { root } from './source-files.ts'

/** A service of docker-compose.yml, as far as the tests look at it. */
export interface Service {
  readonly image: string
  readonly profiles?: readonly string[]
  readonly command: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly user?: string
  readonly network_mode?: string
  readonly healthcheck?: { readonly test: readonly string[] }
}

/** What docker-compose.yml says. */
export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: object
}

/** Services that run here, as they would in containers of one network namespace. */
export interface RunningServices {
  /** The port here of a port in the file. */
  port(there: number): number
  /** Starts a service, in the folder that it had before; `environment` overrides the file's. */
  start(name: string): Promise<void>
  /** Runs a service that ends by itself; rejects with what it printed where it fails. */
  complete(name: string): Promise<string>
  /** Runs the health check of a service; whether it is healthy. */
  healthy(name: string): Promise<boolean>
  /** A fresh plain client of the server on a port of the file; `stop()` closes it. */
  client(there: number): Redis
  /** Kills a service as a crash does. */
  kill(name: string): Promise<void>
  /** Ends all and removes the folders. */
  stop(): Promise<void>
}

/** Reads docker-compose.yml. */
export async function composeFile(): Promise<ComposeFile> {
  return parse(await readFile(join(root, 'docker-compose.yml'), 'utf8'), { merge: true })
}

/**
 * Runs the very commands of services, without Docker: with a folder of its own as `/data`, on the
 * loopback address, every port that the file names replaced by a free one.
 */
export async function runServices(
  { services }: ComposeFile,
  { profile, password }: { readonly profile: string; readonly password: string },
): Promise<RunningServices> {
  const own = Object.entries(services).filter(([, { profiles }]) => profiles?.includes(profile))
  const ports = await portsFor(JSON.stringify(own))
  const portOf = (there: number) => ports.get(there)?.port ?? there
  const running = new Map<string, ChildProcess>()
  const clients = new Set<Redis>()
  const base = await mkdtemp(join(tmpdir(), 'memoryware-'))
  const binary = await redisBinary()

  function words(text: string): string {
    const given = interpolated(text, { REDIS_PASSWORD: password })
    return given.replace(/\d{4,5}/g, (port) => `${portOf(Number(port))}`)
  }

  async function launch(name: string, script: string): Promise<ChildProcess> {
    const folder = join(base, name)
    await mkdir(folder, { recursive: true })
    const environment = Object.entries(services[name]?.environment ?? {})
    const env = environment.map(([key, value]) => [key, words(String(value))])
    const child = shell(binary, words(script), { folder, env: Object.fromEntries(env) })
    killAtExit(child)
    return child
  }

  async function run(name: string, script: string): Promise<number> {
    const [code] = (await once(await launch(name, script), 'exit')) as [number | null]
    return code ?? 1
  }

  return {
    port: portOf,
    async start(name) {
      const child = await launch(name, `${script(services[name])} --bind 127.0.0.1`)
      running.set(name, child)
    },
    async complete(name) {
      const code = await run(name, script(services[name]))
      const printed = await readFile(join(base, name, 'output.log'), 'utf8')
      if (code !== 0) throw new Error(`${name} ended with ${code}:\n${printed}`)
      return printed
    },
    async healthy(name) {
      const [kind, check = ''] = services[name]?.healthcheck?.test ?? []
      if (kind !== 'CMD-SHELL') throw new Error(`${name} has no health check for a shell`)
      return (await run(name, check)) === 0
    },
    client(there) {
      const client = new Redis({
        port: portOf(there),
        password,
        protocol: 2,
        enableReadyCheck: false,
        maxRetriesPerRequest: 0,
      })
      client.on('error', () => {}) // Whoever asks is told.
      clients.add(client)
      return client
    },
    async kill(name) {
      const child = running.get(name)
      running.delete(name)
      if (child) await ended(child)
    },
    async stop() {
      for (const client of clients) client.disconnect()
      await Promise.all([...running.values()].map(ended))
      for (const held of ports.values()) held.giveBack()
      await rm(base, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
    },
  }
}

/** Puts variables in as Compose does: `$$` is a dollar, `${NAME:-default}`, `${NAME:?message}`. */
function interpolated(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (all, name: string | undefined, kind: string, word: string) => {
      if (name === undefined) return all === '$$' ? '$' : all
      const value = variables[name]
      if (value === undefined && kind === '?') throw new Error(word)
      return value ?? word ?? ''
    },
  )
}

function script(service: Service | undefined): string {
  const [shell, flag, text = ''] = service?.command ?? []
  if (shell !== 'sh' || flag !== '-c') throw new Error(`The command is no script: ${shell}`)
  return text
}

/** A free port for each that the text names, held until the services end. */
async function portsFor(text: string): Promise<Map<number, HeldPort>> {
  const named = [...text.matchAll(/\b(7\d{3}|6\d{3}|26\d{3})\b/g)].map(([port]) => Number(port))
  const ports = new Map<number, HeldPort>()
  for (const port of new Set(named)) ports.set(port, await holdPort())
  return ports
}

/** Runs a script in a folder; of what Docker has, in the network of this host. */
function shell(
  binary: RedisBinary,
  script: string,
  { folder, env }: { readonly folder: string; readonly env: Readonly<Record<string, string>> },
): ChildProcess {
  const log = openSync(join(folder, 'output.log'), 'a')
  const stdio = ['ignore', log, log] as const
  try {
    if (binary.kind === 'docker') {
      const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
      const given = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`])
      const place = ['--network', 'host', '--user', user, '--volume', `${folder}:/data`]
      const run = ['run', '--rm', '--init', ...place, ...given, binary.image, 'sh', '-c', script]
      return spawn(binary.docker, run, { stdio: [...stdio] })
    }
    const path = [dirname(binary.path), process.env['PATH']].join(delimiter)
    return spawn('sh', ['-c', script], {
      cwd: folder,
      env: { ...process.env, ...env, PATH: path },
      stdio: [...stdio],
    })
  } finally {
    closeSync(log)
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  // A container would outlive the program that runs it: that one is asked, and passes it on.
  child.kill(child.spawnfile === 'sh' ? 'SIGKILL' : 'SIGTERM')
  await gone
}
