import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { endAtExit, killAtExit } from './processes.ts'
import type { RedisBinary } from './redis-binary.ts'

/** A Redis server that was started, whichever way. */
export interface RedisProcess {
  readonly pid: number
  /** Resolves when the server is gone, with what it last printed. */
  readonly ended: Promise<string>
  /** Sends a signal to the server, at once. */
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM' | 'SIGKILL'): void
}

/** Where a server stands, and with which settings. */
export interface Place {
  readonly folder: string
  readonly port: number
  readonly args: readonly string[]
  /** It speaks with other servers of this host. */
  readonly peers: boolean
  /** It speaks TLS on its port. */
  readonly tls: boolean
}

/** Starts a server on a port of the loopback address, with its files and its socket in `folder`. */
export function spawnRedis(binary: RedisBinary, place: Place): RedisProcess {
  const { folder, port, args, tls } = place
  const listen = tls ? ['--port', '0', '--tls-port', `${port}`] : ['--port', `${port}`]
  const settings = [...args, ...listen, '--dir', folder, '--unixsocket', socketIn(folder)]
  return binary.kind === 'program'
    ? spawnProgram(binary.path, { folder, settings })
    : spawnContainer(binary, { ...place, settings })
}

/** The path of the server's Unix socket. */
export function socketIn(folder: string): string {
  return `${folder}/redis.sock`
}

function spawnProgram(
  path: string,
  { folder, settings }: { folder: string; settings: string[] },
): RedisProcess {
  const child = start(path, [...settings, '--bind', '127.0.0.1'], folder)
  return follow(child, folder, (name) => void child.kill(name))
}

/** `docker run` passes on neither SIGSTOP nor SIGKILL: Docker is asked by the container's name. */
const DOCKER_WORDS = {
  SIGSTOP: ['pause'],
  SIGCONT: ['unpause'],
  SIGTERM: ['stop'],
  SIGKILL: ['kill'],
} as const

function spawnContainer(
  { docker, image }: Extract<RedisBinary, { kind: 'docker' }>,
  { folder, port, peers, settings }: Place & { settings: string[] },
): RedisProcess {
  const name = `memoryware-test-${process.pid}-${port}-${Date.now()}`
  const run = ['run', '--rm', '--name', name, '--user', userAndGroup()]
  const network = peers ? ['--network', 'host'] : ['--publish', `127.0.0.1:${port}:${port}`]
  const mount = ['--volume', `${folder}:${folder}`]
  // Published on the host's loopback address only: inside its container it listens on every one.
  const open = peers ? ['--bind', '127.0.0.1'] : ['--bind', '0.0.0.0', '--protected-mode', 'no']
  const server = ['redis-server', ...settings, ...open]
  const child = start(docker, [...run, ...network, ...mount, image, ...server], folder)
  const signal: RedisProcess['signal'] = (word) => {
    try {
      execFileSync(docker, [...DOCKER_WORDS[word], name], { stdio: 'ignore' })
    } catch {
      // It is gone already, as a process that is sent a signal may be.
    }
  }
  child.once(
    'exit',
    endAtExit(() => signal('SIGKILL')),
  )
  return follow(child, folder, signal)
}

function userAndGroup(): string {
  return `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
}

function start(program: string, args: string[], folder: string): ChildProcess {
  // A file, not a pipe: a pipe would keep this process alive where a test forgets `stop()`.
  const log = openSync(logIn(folder), 'a')
  try {
    return spawn(program, args, { stdio: ['ignore', log, log] })
  } finally {
    closeSync(log)
  }
}

function logIn(folder: string): string {
  return `${folder}/output.log`
}

function follow(child: ChildProcess, folder: string, signal: RedisProcess['signal']): RedisProcess {
  killAtExit(child)
  child.unref()
  const ended = once(child, 'exit').then(
    () => readFileSync(logIn(folder), 'utf8').slice(-2_000),
    (error) => String(error),
  )
  return {
    pid: child.pid ?? -1,
    ended,
    signal(name) {
      if (name === 'SIGTERM' || name === 'SIGKILL') child.ref() // Somebody waits for its end now.
      signal(name)
    },
  }
}
