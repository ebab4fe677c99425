import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { endAtExit } from './processes.ts'
import { root } from './source-files.ts'

/** What a program printed, and how it ended. */
export interface Ended {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

/** A project that has installed the package as it would be published. */
export interface Consumer {
  readonly folder: string
  /** The installed package. */
  readonly installed: string
  /** Runs Node in the project, for at most 10 seconds. */
  node(...args: string[]): Promise<Ended>
}

let made: Promise<Consumer> | undefined

/**
 * Builds and packs a copy of the tree, and unpacks it into a project that has the package's own
 * dependencies, the optional ones, both frameworks, and nothing else. Done once for all tests; nothing is downloaded.
 */
export function packedConsumer(): Promise<Consumer> {
  made ??= make()
  return made
}

async function make(): Promise<Consumer> {
  const top = await realpath(await mkdtemp(join(tmpdir(), 'memoryware-packed-')))
  endAtExit(() => rmSync(top, { recursive: true, force: true }))
  const source = join(top, 'source')
  const folder = join(top, 'consumer')
  const installed = join(folder, 'node_modules', 'memoryware')
  await mkdir(source)
  await mkdir(installed, { recursive: true })
  await copyTree(source)
  await expectSuccess('npm', ['pack', '--pack-destination', top], source)
  const tarball = (await readdir(top)).find((name) => name.endsWith('.tgz')) ?? ''
  await expectSuccess(
    'tar',
    ['-xzf', join(top, tarball), '-C', installed, '--strip-components', '1'],
    top,
  )
  await linkDependencies(folder)
  return { folder, installed, node: (...args) => run(process.execPath, args, folder) }
}

async function copyTree(target: string): Promise<void> {
  const parts =
    /^(package\.json|tsconfig.*\.json|.*\.md|LICENSE|adapters|bin|contract|lib|middleware|(commonjs|declarations|modules)\.mjs)$/
  const names = (await readdir(root)).filter((name) => parts.test(name))
  await Promise.all(
    names.map((name) => cp(join(root, name), join(target, name), { recursive: true })),
  )
  await symlink(join(root, 'node_modules'), join(target, 'node_modules'), 'junction')
}

async function linkDependencies(folder: string): Promise<void> {
  const { dependencies, peerDependencies } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  )
  const types = ['express', 'express-session', 'koa', 'node'].map((name) => `@types/${name}`)
  const own = Object.keys({ ...dependencies, ...peerDependencies })
  for (const name of [...own, 'express', 'koa', ...types]) {
    const link = join(folder, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(root, 'node_modules', name), link, 'junction')
  }
}

/** Runs a program to its end, whatever its end. */
export function run(
  program: string,
  args: string[],
  cwd: string,
  timeout = 10_000,
): Promise<Ended> {
  const shell = process.platform === 'win32' && program === 'npm'
  return new Promise((resolve) => {
    const child = execFile(program, args, { cwd, timeout, shell }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? error?.signal ?? 0, stdout, stderr }),
    )
    child.stdin?.end()
  })
}

async function expectSuccess(program: string, args: string[], cwd: string): Promise<void> {
  const { code, stdout, stderr } = await run(program, args, cwd, 120_000)
  if (code !== 0) throw new Error(`${program} ${args[0]} failed (${code}):\n${stdout}${stderr}`)
}
