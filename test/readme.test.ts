import assert from 'node:assert/strict'
import { access, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, it } from 'mocha'
import { configFromEnv } from '../lib/index.ts'
import { root } from './support/source-files.ts'

describe('the documentation in words', () => {
  const pages = async () => {
    const docs = (await readdir(join(root, 'docs'), { recursive: true }))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name.replaceAll('\\', '/')}`)
    const names = ['README.md', 'CONTRIBUTING.md', ...docs]
    return Promise.all(
      names.map(async (name) => ({ name, text: await readFile(join(root, name), 'utf8') })),
    )
  }

  for (const [page, example] of [
    ['README.md', 'quickstart-express.ts'],
    ['README.md', 'quickstart-koa.ts'],
    ['docs/turns.md', 'turn-express.ts'],
    ['docs/turns.md', 'turn-koa.ts'],
    ['docs/store.md', 'counting-provider.ts'],
    ['docs/store.md', 'counting-provider.test.ts'],
  ] as const) {
    it(`shows ${example} as it is run`, async () => {
      const code = await readFile(join(root, 'examples', example), 'utf8')
      const text = await readFile(join(root, page), 'utf8')
      assert.ok(text.includes(`\`\`\`ts\n${code}\`\`\``))
    })
  }

  it('shows a turn in the README as the example runs it', async () => {
    const code = await readFile(join(root, 'examples/turn-express.ts'), 'utf8')
    const readme = await readFile(join(root, 'README.md'), 'utf8')
    const [, block = ''] = /^## sessionMemory\(\)\n.*?^```ts\n(.*?)^```$/ms.exec(readme) ?? []
    assert.ok(block.includes('memory.turn('))
    assert.ok(code.includes(block))
  })

  it('links to files that are there', async () => {
    const broken: string[] = []
    for (const { name, text } of await pages()) {
      for (const [, link = ''] of text.matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
        if (/^https?:/.test(link)) continue
        await access(join(root, dirname(name), link)).catch(() => broken.push(`${name}: ${link}`))
      }
    }
    assert.deepEqual(broken, [])
  })

  it('names only variables that are read', async () => {
    const read = await readFile(join(root, 'lib/config.ts'), 'utf8')
    const table = (await readFile(join(root, 'README.md'), 'utf8'))
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([A-Z][A-Z_]+)`/g)])
      .map(([, name = '']) => name)
    assert.ok(table.length >= 10)
    assert.deepEqual(
      table.filter((name) => name.includes('_') && !read.includes(name)),
      [],
    )
  })

  it('gives the defaults of the environment as they are', async () => {
    const readme = await readFile(join(root, 'README.md'), 'utf8')
    const { sessionTtl, maxHistoryLength } = configFromEnv({})
    assert.match(readme, new RegExp(`\`SESSION_TTL\`.*\`${sessionTtl}\``))
    assert.match(readme, new RegExp(`\`MAX_HISTORY_LENGTH\`.*\`${maxHistoryLength}\``))
  })
})
