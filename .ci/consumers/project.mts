import { rmSync } from 'node:fs'
import { mkdtemp, readdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ended, run } from '../../test/support/consumer.ts'
import { endAtExit } from '../../test/support/processes.ts'
import { root } from '../../test/support/source-files.ts'

/** What package.json says, as far as a consumer needs it. */
export interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** A project of somebody who uses the package. */
export interface Project {
  readonly folder: string
  /** The program of Node, by its major version. */
  readonly nodes: ReadonlyMap<number, string>
}

/** An older TypeScript than the package is built with, and the name it is installed by. */
export const olderTypeScript = { name: 'typescript-older', version: '5.9' }

const frameworks = ['express', 'koa']
const others = ['fastify@5', '@fastify/middie@9', 'hono@4', '@hono/node-server@2', 'jest@30']

/** What the package says of itself. */
export async function readManifest(): Promise<Manifest> {
  return JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
}

/** Packs the package and installs it into a new project, with what its users have beside it. */
export async function installProject(manifest: Manifest): Promise<Project> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'memoryware-consumers-')))
  endAtExit(() => rmSync(folder, { recursive: true, force: true }))
  await succeed(npm(['pack', '--pack-destination', folder], root))
  const [tarball = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }))
  const wanted = [`./${tarball}`, ...companions(manifest), ...others, ...otherNodes()]
  await succeed(npm(['install', '--no-audit', '--no-fund', '--loglevel=error', ...wanted], folder))
  return { folder, nodes: await findNodes(folder) }
}

/** Frameworks and optional peers with their types, and both compilers. */
function companions({ devDependencies, peerDependencies = {} }: Manifest): string[] {
  const peers = Object.entries(peerDependencies)
  const names = [...new Set([...frameworks, ...peers.map(([name]) => name)])]
  const types = [...names, 'node'].map((name) => `@types/${name}`)
  const { name, version } = olderTypeScript
  return [
    ...names.map((each) => `${each}@${peerDependencies[each] ?? devDependencies[each]}`),
    ...[...types, 'typescript']
      .filter((each) => each in devDependencies)
      .map((each) => `${each}@${devDependencies[each]}`),
    `${name}@npm:typescript@${version}`,
  ]
}

const currentMajor = Number(process.versions.node.split('.')[0])
const { platform, arch } = process
const place = `${platform === 'win32' ? 'win' : platform}-${arch}`
const onAppleSilicon = place === 'darwin-arm64'
// The last Node 20 that is published for it this way is too old for the package.
const majors = onAppleSilicon ? [22, 24] : [20, 22, 24]

function otherNodes(): string[] {
  const name = onAppleSilicon ? `node-bin-${place}` : `node-${place}`
  return majors
    .filter((major) => major !== currentMajor)
    .map((major) => `node${major}@npm:${name}@${major}`)
}

async function findNodes(folder: string): Promise<Map<number, string>> {
  const nodes = new Map<number, string>()
  for (const major of [...new Set([...majors, currentMajor])]) {
    const installed = join(folder, 'node_modules', `node${major}`, 'bin', 'node')
    const program = major === currentMajor ? process.execPath : installed
    const { stdout } = await succeed(run(program, ['--version'], folder))
    if (!stdout.startsWith(`v${major}.`)) throw new Error(`${program} is ${stdout}`)
    nodes.set(major, program)
  }
  return nodes
}

function npm(args: string[], cwd: string): Promise<Ended> {
  return run('npm', args, cwd, 240_000)
}

/** What a program printed, where it ended well. */
export async function succeed(ending: Promise<Ended>): Promise<Ended> {
  const ended = await ending
  if (ended.code !== 0) throw new Error(`exit ${ended.code}\n${ended.stdout}${ended.stderr}`)
  return ended
}
