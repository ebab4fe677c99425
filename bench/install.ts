import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { packedConsumer } from '../test/support/consumer.ts'
import { root } from '../test/support/source-files.ts'
import type { Bed, Finding } from './finding.ts'
import { whole } from './report.ts'
import { median, rotated, spread } from './statistics.ts'
import { textTable } from './text-table.ts'

interface ImportLine {
  readonly imports: string
  readonly ms: number
  /** To importing ioredis alone, in the same round. */
  readonly ratio: number
  readonly rssBytes: number
}

interface SizeLine {
  readonly installed: string
  readonly packages: number
  readonly bytes: number
}

/** More than this is an error: of our own files, which come twice, as modules and for CommonJS. */
const mostBytes = 2.9 * 1024 ** 2

const peers = [
  'express-session',
  'connect-redis',
  'express-rate-limit',
  'rate-limit-redis',
  'apicache',
  '@langchain/core',
  '@langchain/redis',
]

/** What is imported, each by a process of its own. */
const imports = {
  nothing: [],
  ioredis: ['ioredis'],
  memoryware: ['memoryware'],
  'memoryware/express': ['memoryware/express'],
  'memoryware/koa': ['memoryware/koa'],
  'peers together': [
    ...['ioredis', 'express-session', 'connect-redis', 'express-rate-limit', 'rate-limit-redis'],
    ...['apicache', '@langchain/core/messages', '@langchain/redis'],
  ],
} as const satisfies Record<string, readonly string[]>

type Import = keyof typeof imports

/** Packs the package as it is published, weighs what an installation of it brings, and imports it. */
export async function measureInstall({ rounds }: Bed): Promise<Finding> {
  const { folder, installed } = await packedConsumer()
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  const own = Object.keys(manifest.dependencies)
  const sizes: SizeLine[] = [
    { installed: 'memoryware alone', packages: 1, bytes: bytesIn(installed) },
    together('memoryware with its dependencies', own, installed),
    together('ioredis alone', ['ioredis']),
    ...own
      .map((name) => together(`of these: ${name}`, [name]))
      .filter(({ bytes }) => bytes > 2 ** 18),
    together('peers together', ['ioredis', ...peers]),
  ]
  const lines = await importLines(folder, rounds)
  return {
    figures: { sizes, imports: lines },
    text: installText(sizes, lines),
    wrong: wrongInstall(bytesIn(installed)),
  }
}

/** A sentence where the package is too large. */
export function wrongInstall(bytes: number): string[] {
  if (bytes <= mostBytes) return []
  return [
    `memoryware alone should take at most ${mib(mostBytes)} MiB installed, and takes ${mib(bytes)}`,
  ]
}

/** Packages with all they depend on, each counted once; optional peers are left out. */
function together(label: string, names: readonly string[], also?: string): SizeLine {
  const folders = new Set<string>(also === undefined ? [] : [also])
  for (const name of names) addTree(name, root, folders)
  const bytes = [...folders].reduce((sum, folder) => sum + bytesIn(folder), 0)
  return { installed: label, packages: folders.size, bytes }
}

function addTree(name: string, from: string, folders: Set<string>): void {
  const folder = folderOf(name, from)
  if (folder === undefined || folders.has(folder)) return
  folders.add(folder)
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const optional = Object.keys(manifest.peerDependenciesMeta ?? {})
  const peersOf = Object.keys(manifest.peerDependencies ?? {})
  const needed = [
    ...Object.keys(manifest.dependencies ?? {}),
    ...peersOf.filter((peer) => !optional.includes(peer)),
  ]
  for (const each of needed) addTree(each, folder, folders)
}

/** Where Node finds a package; `undefined` where it is not installed. */
function folderOf(name: string, from: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, 'node_modules', name)
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return realpathSync(folder)
    if (at === dirname(at)) return undefined
  }
}

/** Of a package's own files: what it brings in a folder of its own is a package of its own. */
function bytesIn(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue
    const path = join(folder, entry.name)
    bytes += entry.isDirectory() ? bytesIn(path) : statSync(path).size
  }
  return bytes
}

interface Imported {
  readonly ms: number
  readonly rssBytes: number
}

/** Each once a round, in an order that turns. The first round is there to fill the file cache. */
async function importLines(folder: string, rounds: number): Promise<readonly ImportLine[]> {
  const names = Object.keys(imports) as Import[]
  const found = new Map<Import, Imported[]>(names.map((name) => [name, []]))
  for (let round = -1; round < rounds; round += 1)
    for (const name of rotated(names, round + 1)) {
      const imported = await importOf(name, folder)
      if (round >= 0) found.get(name)?.push(imported)
    }
  const ioredis = found.get('ioredis') ?? []
  return names.map((name) => {
    const all = found.get(name) ?? []
    const ratios = all.map(({ ms }, round) => ms / (ioredis[round]?.ms ?? Number.NaN))
    return {
      imports: name,
      ms: median(all.map(({ ms }) => ms)),
      ratio: spread(ratios).median,
      rssBytes: median(all.map(({ rssBytes }) => rssBytes)),
    }
  })
}

const run = promisify(execFile)

/** Imports in a process that has done nothing else, and ends. */
async function importOf(name: Import, folder: string): Promise<Imported> {
  const all = imports[name].map((each) => `await import(${JSON.stringify(each)})`)
  const program = `
    const began = performance.now()
    ${all.join('\n')}
    const ms = performance.now() - began
    console.log(JSON.stringify({ ms, rssBytes: process.memoryUsage.rss() }))
    process.exit()`
  const cwd = name.startsWith('memoryware') ? folder : root
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd })
  return JSON.parse(stdout) as Imported
}

function installText(sizes: readonly SizeLine[], lines: readonly ImportLine[]): string {
  return [
    'Installed: packages, and MiB of their files, without optional peers',
    textTable([
      ['installed', 'packages', 'MiB'],
      ...sizes.map(({ installed, packages, bytes }) => [installed, whole(packages), mib(bytes)]),
    ]),
    'Imported by a fresh process: relative to ioredis alone, milliseconds, and MiB of RSS after it',
    textTable([
      ['imports', 'ratio', 'ms', 'RSS'],
      ...lines.map(({ imports: name, ratio, ms, rssBytes }) => [
        ...[name, ratio.toFixed(2), ms.toFixed(0), mib(rssBytes)],
      ]),
    ]),
  ].join('\n')
}

function mib(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(1)
}
