import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Where what is measured runs, and where what measures it. */
export interface Cores {
  readonly servers: number
  /** Also that of Redis. */
  readonly load: number
}

let apart: Cores | undefined

/**
 * Keeps this process, and all that it starts from now on, on one core; what `pinServer()` is told
 * of goes to another. Undefined where there is no taskset or no second core.
 */
export function keepApart(): Cores | undefined {
  const allowed = taskset('-cp', process.pid)
  apart = allowed === undefined ? undefined : coresOf(allowed, siblingsOf)
  if (apart !== undefined) taskset('-acp', apart.load, process.pid)
  return apart
}

/** Moves a server, with the threads it has, to the core of the servers. */
export function pinServer(pid: number | undefined): void {
  if (apart !== undefined && pid !== undefined) taskset('-acp', apart.servers, pid)
}

/**
 * The first core of those that taskset prints, and the first that shares no hardware with it: two
 * threads of one core slow each other. Undefined where there is only one.
 */
export function coresOf(
  printed: string,
  siblings: (core: number) => readonly number[],
): Cores | undefined {
  const [servers, ...others] = listed(printed.slice(printed.lastIndexOf(':') + 1))
  if (servers === undefined) return undefined
  const shared = siblings(servers)
  const load = others.find((core) => !shared.includes(core)) ?? others[0]
  return load === undefined ? undefined : { servers, load }
}

/** The cores in words. */
export function coresText(cores: Cores | undefined): string {
  if (cores === undefined) return 'not pinned: servers, load and Redis share all cores'
  return `servers on core ${cores.servers}, load and Redis on core ${cores.load}`
}

function siblingsOf(core: number): readonly number[] {
  const topology = `/sys/devices/system/cpu/cpu${core}/topology/thread_siblings_list`
  try {
    return listed(readFileSync(topology, 'utf8'))
  } catch {
    return [] // Not every system tells: then all are taken for cores of their own.
  }
}

/** `0-2,5` as numbers. */
function listed(list: string): number[] {
  return list
    .trim()
    .split(',')
    .flatMap((part) => {
      const [first = Number.NaN, last = first] = part.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, at) => first + at)
    })
}

/** What taskset prints; undefined where it is not there, or may not. */
function taskset(...args: readonly (string | number)[]): string | undefined {
  try {
    return execFileSync('taskset', args.map(String), {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch {
    return undefined
  }
}
