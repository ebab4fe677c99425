import { deepEqual, equal, ok } from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../test/support/consumer.ts'
import { about, check } from './facts.mts'
import { type Manifest, type Project, succeed } from './project.mts'

/** The entry points that are modules, as their users write them. */
export function entriesOf({ exports }: Manifest): string[] {
  return Object.entries(exports)
    .filter(([, target]) => !JSON.stringify(target).includes('.json'))
    .map(([path]) => path.replace('.', 'memoryware'))
}

/** Loads every entry point on every Node, in each way there is. */
export async function checkEntries(project: Project, manifest: Manifest): Promise<void> {
  const entries = entriesOf(manifest)
  await writeFile(
    join(project.folder, 'load.cjs'),
    loader(entries, (name) => `require('${name}')`),
  )
  await writeFile(
    join(project.folder, 'load.mjs'),
    loader(entries, (name) => `await import('${name}')`),
  )
  for (const [major, node] of project.nodes) {
    about(`Entry points, Node ${major}`)
    const load = async (...args: string[]): Promise<Loaded> => {
      const { stdout, stderr } = await succeed(run(node, args, project.folder))
      equal(stderr, '')
      return JSON.parse(stdout)
    }
    const imported = await load('load.mjs')
    const required = await load('load.cjs')
    // So the CommonJS build is taken, as by Jest and by Nodes that cannot require ES modules.
    const without = await load('--no-experimental-require-module', 'load.cjs')
    for (const entry of entries) {
      await check(`${entry}: imported`, () => ok(Array.isArray(imported[entry]), imported[entry]))
      await check(`${entry}: required`, () => deepEqual(required[entry], imported[entry]))
      await check(`${entry}: its CommonJS build`, () => deepEqual(without[entry], imported[entry]))
    }
  }
}

/** What each entry point exports, or why it could not be loaded. */
type Loaded = Readonly<Record<string, readonly string[] | string>>

function loader(entries: readonly string[], load: (name: string) => string): string {
  const lines = entries.map(
    (name) => `try { found['${name}'] = namesOf(${load(name)}) }
    catch (error) { found['${name}'] = String(error) }`,
  )
  return `const found = {}
    const namesOf = (loaded) => Object.keys(loaded).filter((name) => !/^(default|module.exports|__esModule)$/.test(name)).sort()
    ${lines.join('\n')}
    console.log(JSON.stringify(found))`
}
