import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { before, describe, it } from 'mocha'
import { IMPORTS, importRules, type Rule } from './support/import-rules.ts'
import { root, type SourceFile, sourceFiles } from './support/source-files.ts'

describe('import rules', () => {
  let found: Map<string, Set<number>>
  before(async () => {
    found = await lint(treeOf(importRules))
  })

  for (const rule of importRules) {
    it(rule.fact, () => {
      const { file, category = IMPORTS } = rule
      const lines = treeOf(importRules).get(file) ?? []
      const refused = found.get(`${category} ${file}`) ?? new Set()
      const isRefused = (line: string) => refused.has(lines.indexOf(line) + 1)
      assert.deepEqual(rule.refused.filter(isRefused), rule.refused)
      assert.deepEqual(rule.allowed.filter(isRefused), [])
    })
  }

  it('modules named in passing, as in `typeof import(…)`, keep the rules too', async () => {
    const files = await published()
    const broken = { path: 'lib/cache/broken.ts', text: `type Client = import('ioredis').Redis` }
    const tree = new Map<string, string[]>()
    for (const { path, text } of [...files, broken]) {
      const named = [...text.matchAll(/\bimport\(\s*['"](.+?)['"]/g)]
      tree.set(
        path,
        named.map(([, name]) => `export * from '${name}'`),
      )
    }
    const refused = [...(await lint(tree)).keys()].filter((key) => key.startsWith(IMPORTS))
    assert.deepEqual(refused, [`${IMPORTS} ${broken.path}`])
  })

  it('no file goes round the rules with createRequire, a global type or a taken-out env', async () => {
    for (const { path, text } of await published()) {
      assert.doesNotMatch(text, /\bcreateRequire\b/, path)
      if (!path.startsWith('middleware/express'))
        assert.doesNotMatch(text, /\bExpress\.[A-Z]/, path)
      if (path !== 'lib/config.ts')
        assert.doesNotMatch(text, /\benv\b.*(= process\b|['"](node:)?process['"])/, path)
    }
  })
})

async function published(): Promise<SourceFile[]> {
  return (
    await Promise.all(['adapters', 'bin', 'contract', 'lib', 'middleware'].map(sourceFiles))
  ).flat()
}

/** One file of all lines that are said of it, so that one run of Biome decides about all. */
function treeOf(all: readonly Rule[]): Map<string, string[]> {
  const tree = new Map<string, string[]>([
    ['lib/second.ts', [`import { first } from './first.ts'`, 'export const second = first']],
    ['lib/third.ts', ['export const third = 3']],
  ])
  for (const { file, refused, allowed } of all) {
    const lines = tree.get(file) ?? []
    const fresh = [...refused, ...allowed].filter((line) => !lines.includes(line))
    tree.set(file, [...lines, ...fresh])
  }
  return tree
}

/** Runs Biome, with the project's settings, over a tree like the project's: category and file to lines. */
async function lint(tree: Map<string, string[]>): Promise<Map<string, Set<number>>> {
  const folder = await mkdtemp(join(tmpdir(), 'memoryware-rules-'))
  try {
    for (const name of ['biome.json', 'package.json'])
      await copyFile(join(root, name), join(folder, name))
    for (const [file, lines] of tree) {
      await mkdir(dirname(join(folder, file)), { recursive: true })
      await writeFile(join(folder, file), `${lines.join('\n')}\n`)
    }
    return parse(await biome(folder))
  } finally {
    await rm(folder, { recursive: true })
  }
}

function biome(folder: string): Promise<string> {
  const program = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const args = [program, 'lint', '--reporter=json', '--max-diagnostics=none', '.']
  return new Promise((resolve) => {
    // It exits with 1: the tree breaks every rule.
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 26 }, (_error, stdout) =>
      resolve(stdout),
    )
  })
}

interface Report {
  readonly diagnostics: readonly {
    readonly category: string
    readonly location: { readonly path: string; readonly start: { readonly line: number } }
  }[]
}

function parse(report: string): Map<string, Set<number>> {
  const { diagnostics } = JSON.parse(report) as Report
  const found = new Map<string, Set<number>>()
  for (const { category, location } of diagnostics) {
    const key = `${category} ${location.path.replaceAll('\\', '/')}`
    found.set(key, (found.get(key) ?? new Set()).add(location.start.line))
  }
  return found
}
