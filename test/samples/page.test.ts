import { deepEqual, equal, ok } from 'node:assert/strict'
import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { root } from '../support/source-files.ts'

const page = await readFile(join(root, 'docs/samples.md'), 'utf8')
const files = (await readdir(join(root, 'examples/samples'))).toSorted()

describe('the page of samples', () => {
  for (const file of files) {
    const name = file.replace(/\.ts$/, '')
    it(`shows ${file} as it is run, with links to it and to its test`, async () => {
      const section = page.split(/^## /m).find((text) => text.includes(`samples/${file})`)) ?? ''
      const code = await readFile(join(root, 'examples/samples', file), 'utf8')
      ok(section.includes(`\`\`\`ts\n${code}\`\`\``))
      equal(section.match(/^```ts$/gm)?.length, 1)
      ok(section.includes(`[test](../test/samples/${name}.test.ts)`))
    })
  }

  it('has no sample, and links to nothing, that is not there', async () => {
    const links = [...page.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link = '']) => link)
    const shown = links.filter((link) => link.startsWith('../examples/samples/'))
    deepEqual(
      shown.map((link) => link.split('/').at(-1)),
      files,
    )
    await Promise.all(links.map((link) => access(join(root, 'docs', link))))
  })

  it('is linked from the README', async () => {
    ok((await readFile(join(root, 'README.md'), 'utf8')).includes('](docs/samples.md)'))
  })

  it('has a test for each sample, and each test has a sample', async () => {
    const tests = await readdir(join(root, 'test/samples'))
    deepEqual(
      tests.filter((test) => /^\d/.test(test)).toSorted(),
      files.map((file) => file.replace(/\.ts$/, '.test.ts')),
    )
  })
})
