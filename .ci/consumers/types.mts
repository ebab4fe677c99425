import { deepEqual, equal } from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../test/support/consumer.ts'
import { entriesOf } from './entries.mts'
import { about, check } from './facts.mts'
import { type Manifest, olderTypeScript, type Project } from './project.mts'
import { programs } from './sources.mts'

const moduleKinds = {
  node16: { module: 'node16' },
  nodenext: { module: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
}

const strict = {
  target: 'es2022',
  strict: true,
  exactOptionalPropertyTypes: true,
  noPropertyAccessFromIndexSignature: true,
  types: ['node'],
}

// @types/koa wants the types of content-disposition 0.5; Koa 3.3 brings version 2, which has its own.
// The types of the packages that adapters are for do not hold where optional members are exact.
const knownElsewhere =
  /^[./]*node_modules\/(@types\/koa\/.*content-disposition|(@ai-sdk|@langchain|@modelcontextprotocol|@openai|ai|langsmith)\/)/

/** Compiles what users write, with both compilers, and leaves the programs to be run. */
export async function checkTypes({ folder }: Project, manifest: Manifest): Promise<void> {
  await writeFile(join(folder, 'typed.mts'), usage(entriesOf(manifest)))
  await writeFile(join(folder, 'typed.cts'), usage(entriesOf(manifest)))
  about('Types')
  await check('the programs, as the documents show them', async () => {
    const options = { ...strict, ...moduleKinds.nodenext, skipLibCheck: true }
    deepEqual(await compile(folder, 'typescript', options, programs), [])
  })
  for (const compiler of ['typescript', olderTypeScript.name]) {
    for (const [kind, options] of Object.entries(moduleKinds)) {
      await check(`every entry point, ${compiler}, ${kind}, libraries checked too`, async () => {
        const all = { ...strict, ...options, noEmit: true, skipLibCheck: false }
        const errors = await compile(folder, compiler, all, ['typed.mts', 'typed.cts'])
        deepEqual(
          errors.filter((line) => !knownElsewhere.test(line)),
          [],
        )
      })
    }
  }
}

/** What a compiler finds wrong. */
async function compile(
  folder: string,
  compiler: string,
  compilerOptions: object,
  names: readonly string[],
): Promise<string[]> {
  const config = join(folder, 'tsconfig.json')
  await writeFile(config, JSON.stringify({ compilerOptions, files: names }))
  const tsc = join(folder, 'node_modules', compiler, 'bin', 'tsc')
  const { stdout, stderr, code } = await run(
    process.execPath,
    [tsc, '--pretty', 'false'],
    folder,
    120_000,
  )
  equal(stderr, '')
  const errors = stdout.split('\n').filter((line) => /error TS/.test(line))
  if (code !== 0 && errors.length === 0) throw new Error(`exit ${code}: ${stdout}`)
  return errors
}

function usage(entries: readonly string[]): string {
  const imports = entries.map((name, at) => `import * as entry${at} from '${name}'`)
  return `${imports.join('\n')}
import express, { type RequestHandler } from 'express'
import Koa, { type Middleware } from 'koa'
import { createStore, type Store } from 'memoryware'
import * as onExpress from 'memoryware/express'
import * as onKoa from 'memoryware/koa'

export const entries = [${entries.map((_, at) => `entry${at}`).join()}]
const store: Store = createStore({ provider: 'embedded' })
export const handler: RequestHandler = onExpress.cacheResponse({ store })
export const middleware: Middleware = onKoa.cacheResponse({ store })
express().use(handler).get('/:id', onExpress.sessionMemory({ store }), (req, res) => {
  const id: string = req.params.id
  res.json(req.memory.open(id).user)
})
new Koa().use(onKoa.sessionMemory({ store })).use(async (ctx) => {
  ctx.body = await ctx.memory.context({ messages: 2 })
})
// @ts-expect-error A misspelt option is an error.
onExpress.sessionMemory({ stor: store })
`
}
