import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { outputOf, wordsOf } from './processes.ts'

/** How to run a Redis server here: a program, or an image where only Docker is at hand. */
export type RedisBinary =
  | { readonly kind: 'program'; readonly path: string }
  | { readonly kind: 'docker'; readonly docker: string; readonly image: string }

/** Debian, Ubuntu and Homebrew put programs here, also where PATH does not list it. */
const USUAL_FOLDERS = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']
const IMAGE = 'redis:7'

let found: Promise<RedisBinary> | undefined
let secure: Promise<boolean> | undefined

/**
 * The Redis server the tests run: the one that is installed, else one that apt or Homebrew installs
 * without a prompt, else Docker's. Looks once a process.
 *
 * @throws Error naming every way that was tried.
 */
export function redisBinary(): Promise<RedisBinary> {
  found ??= find()
  return found
}

/** Whether that server was built with TLS. Looks once a process. */
export function redisHasTls(): Promise<boolean> {
  secure ??= knowsTls()
  return secure
}

/** Without a certificate it does not start either way, but where it has no TLS it knows no such word. */
async function knowsTls(): Promise<boolean> {
  const binary = await redisBinary()
  const settings = ['--port', '0', '--tls-port', '1']
  const words =
    binary.kind === 'program'
      ? await wordsOf(binary.path, settings)
      : await wordsOf(binary.docker, ['run', '--rm', binary.image, 'redis-server', ...settings])
  return !/bad directive/i.test(words)
}

async function find(): Promise<RedisBinary> {
  const path = (await installed()) ?? (await fromApt()) ?? (await fromHomebrew())
  if (path !== undefined) return { kind: 'program', path }
  const docker = await fromDocker()
  if (docker !== undefined) return docker
  throw new Error(
    'The tests need a Redis server, and there is none: `redis-server` is not in PATH; ' +
      '`apt-get install redis-server` is not possible without a prompt (no apt-get, or neither root ' +
      'nor `sudo -n`, or the installation failed); `brew install redis` is not possible; no Docker ' +
      'engine answers `docker info`. Install redis-server 7 by any of these ways and run again.',
  )
}

function installed(): Promise<string | undefined> {
  return programIn('redis-server')
}

/** The path of a program, found as a shell finds it. */
async function programIn(name: string): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  for (const folder of [...folders, ...USUAL_FOLDERS]) {
    const path = join(folder, name)
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (runs) return path
  }
  return undefined
}

async function fromApt(): Promise<string | undefined> {
  if ((await programIn('apt-get')) === undefined) return undefined
  const root = await asRoot()
  if (root === undefined) return undefined
  const apt = (...args: string[]) =>
    root('env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', '-y', ...args)
  const install = () => apt('install', '--no-install-recommends', 'redis-server')
  // A fresh container has no package lists: the first attempt says so by failing.
  if ((await install()) === undefined) {
    await apt('update')
    await install()
  }
  // The package starts a service of its own; the tests start their own servers instead.
  await root('service', 'redis-server', 'stop')
  return installed()
}

type Run = (...command: [string, ...string[]]) => Promise<string | undefined>

async function asRoot(): Promise<Run | undefined> {
  if (process.getuid?.() === 0) return (program, ...args) => outputOf(program, args)
  if ((await outputOf('sudo', ['-n', 'true'])) === undefined) return undefined
  return (...command) => outputOf('sudo', ['-n', ...command])
}

async function fromHomebrew(): Promise<string | undefined> {
  const brew = await programIn('brew')
  if (brew === undefined) return undefined
  await outputOf(brew, ['install', '--quiet', 'redis'])
  return installed()
}

async function fromDocker(): Promise<RedisBinary | undefined> {
  const docker = await programIn('docker')
  if (docker === undefined) return undefined
  const engine = await outputOf(docker, ['info', '--format', '{{.ServerVersion}}'])
  if (engine === undefined || engine.trim() === '') return undefined
  const there = await outputOf(docker, ['image', 'inspect', IMAGE])
  if (there === undefined && (await outputOf(docker, ['pull', '--quiet', IMAGE])) === undefined)
    return undefined
  return { kind: 'docker', docker, image: IMAGE }
}
