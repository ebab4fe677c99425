import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'mocha'
import { type Consumer, packedConsumer, run } from '../support/consumer.ts'
import { root, sourceFiles } from '../support/source-files.ts'

const MIDDLEWARES = ['cacheResponse', 'rateLimit', 'sessionMemory']
/** Entry points, each with some of what it exports. */
const entries: Record<string, readonly string[]> = {
  memoryware: ['cached', 'configFromEnv', 'createStore', 'defaultStore', 'escapePattern', 'json'],
  'memoryware/express': MIDDLEWARES,
  'memoryware/koa': MIDDLEWARES,
  'memoryware/express-session': ['sessionStore'],
  'memoryware/koa-session': ['sessionStore'],
  'memoryware/langchain': ['langchainHistory'],
  'memoryware/openai-agents': ['openaiSession'],
  'memoryware/ai-sdk': ['aiSdkStore'],
  'memoryware/rate-limiter-flexible': ['asRateLimiter'],
  'memoryware/msgpack': ['msgpack'],
  'memoryware/doctor': ['diagnose'],
  'memoryware/store-contract': ['storeContract'],
}

/** What Node calls timers, connections, watchers, workers and the like. */
const OPENED =
  /^(Timeout|Immediate|TCP|UDP|TLS|GETADDRINFO|HTTP|FSEVENT|STATWATCHER|SIGNAL|PROCESS|WORKER|MESSAGEPORT)/

describe('the packed package', () => {
  let consumer: Consumer
  before(async function () {
    this.timeout(120_000)
    consumer = await packedConsumer()
  })

  it('holds the build, the licence, the documents, and nothing else', async () => {
    const names = await readdir(consumer.installed)
    assert.deepEqual(
      names.filter((name) => !/^(dist|package\.json|LICENSE|README\.md|CHANGELOG\.md)$/.test(name)),
      [],
    )
    const built = await readdir(join(consumer.installed, 'dist'), { recursive: true })
    assert.deepEqual(
      built.filter((name) => /\.[a-z]+$/.test(name) && !/\.(js|d\.ts|map|json)$/.test(name)),
      [],
    )
    assert.ok(built.length > 0)
  })

  for (const [entry, names] of Object.entries(entries)) {
    it(`${entry} can be imported`, async () => {
      const script = `console.log(Object.keys(await import('${entry}')).join())`
      await exports(consumer.node('--input-type=module', '-e', script), names)
    })

    it(`${entry} can be required, as one copy with what is imported`, async () => {
      const script = `const it = require('${entry}')
        console.log(Object.keys(it).join())
        import('${entry}').then((same) => { if (same.${names[0]} !== it.${names[0]}) throw 0 })`
      await exports(consumer.node('--input-type=commonjs', '-e', script), names)
    })

    it(`${entry} has a CommonJS build that can be required`, async () => {
      const script = `console.log(Object.keys(require('${commonJs(consumer, entry)}')).join())`
      await exports(consumer.node('--input-type=commonjs', '-e', script), names)
    })

    it(`${entry} does nothing when it is imported`, async () => {
      const script = `import { createHook } from 'node:async_hooks'
        const begun = []
        createHook({ init: (_id, type) => begun.push(type) }).enable()
        await import('${entry}')
        const opened = begun.filter((type) => ${OPENED}.test(type))
        const given = Object.getOwnPropertySymbols(globalThis).map(String)
        console.log(JSON.stringify({ opened, given: given.filter((s) => /memoryware/.test(s)) }))`
      const ended = await consumer.node('--input-type=module', '--trace-warnings', '-e', script)
      assert.deepEqual(ended, {
        code: 0,
        stdout: '{"opened":[],"given":[]}\n',
        stderr: '',
      })
    })
  }

  it('holds each source in one file, so that all entry points share its state', async () => {
    const dist = join(consumer.installed, 'dist')
    const modules = (await programsIn(dist)).filter((name) => !name.startsWith('cjs'))
    const sources = await Promise.all(
      modules.map(async (name) => {
        const text = await readFile(join(dist, name), 'utf8')
        return new Set(text.match(/^\/\/ [a-z][\w./-]+\.ts$/gm))
      }),
    )
    const all = sources.flatMap((each) => [...each])
    assert.ok(all.includes('// lib/store.ts'))
    assert.deepEqual(all.toSorted(), [...new Set(all)].toSorted())
    // The CommonJS build is these files once more, each by itself.
    assert.deepEqual(
      (await programsIn(join(dist, 'cjs'))).filter((name) => name !== 'tokenx.js'),
      modules.filter((name) => !name.startsWith('bin')),
    )
  })

  it('names errors after their classes', async () => {
    const script = `import { BusyError, OptionError, StoreError, UsageError } from 'memoryware'
      console.log([BusyError, OptionError, StoreError, UsageError].map(({ name }) => name).join())`
    const { stdout, stderr } = await consumer.node('--input-type=module', '-e', script)
    assert.equal(stdout, 'BusyError,OptionError,StoreError,UsageError\n', stderr)
  })

  it('shares the default store between its two builds', async () => {
    const script = `const required = require('${commonJs(consumer, 'memoryware')}')
      import('memoryware').then(async ({ defaultStore }) => {
        console.log(required.defaultStore !== defaultStore, required.defaultStore() === defaultStore())
        await defaultStore().close()
      })`
    const { stdout, stderr } = await consumer.node('--input-type=commonjs', '-e', script)
    assert.equal(stdout, 'true true\n', stderr)
  })

  for (const [extension, moduleKind] of [
    ['mts', 'an ES module'],
    ['cts', 'a CommonJS module'],
  ]) {
    it(`has types that ${moduleKind} in TypeScript can use`, async () => {
      const text = `import { createStore, embeddedProvider, type Store } from 'memoryware'
        import * as onExpress from 'memoryware/express'
        import * as onKoa from 'memoryware/koa'
        import { sessionStore } from 'memoryware/express-session'
        import { type KoaSessionStore, sessionStore as onKoaSession } from 'memoryware/koa-session'
        import { type Diagnosis, diagnose } from 'memoryware/doctor'
        import { msgpack } from 'memoryware/msgpack'
        import { langchainHistory } from 'memoryware/langchain'
        import { openaiSession } from 'memoryware/openai-agents'
        import { type AiSdkStore, aiSdkStore } from 'memoryware/ai-sdk'
        import { asRateLimiter } from 'memoryware/rate-limiter-flexible'
        import { storeContract } from 'memoryware/store-contract'
        import type { BaseListChatMessageHistory } from '@langchain/core/chat_history'
        import type { Session } from '@openai/agents-core'
        import type { UIMessage } from 'ai'
        import { describe, it } from 'node:test'
        import type { RequestHandler } from 'express'
        import type { Store as Sessions } from 'express-session'
        import type { Middleware } from 'koa'
        export const store: Store = createStore({ provider: 'embedded' })
        export const express: RequestHandler = onExpress.sessionMemory({ store })
        export const koa: Middleware = onKoa.sessionMemory({ store })
        export const packed: Store = createStore({ provider: 'embedded', serializer: msgpack })
        export const sessions: Sessions = sessionStore({ store })
        export const diagnosis: Promise<Diagnosis> = diagnose(store, { app: {} })
        export const koaSessions: KoaSessionStore = onKoaSession({ store })
        export const handler: RequestHandler = async (req) => {
          const history: BaseListChatMessageHistory = langchainHistory(req.memory)
          const session: Session = openaiSession(req.memory, { messages: 10 })
          const chat: AiSdkStore = aiSdkStore(req.memory)
          const messages: UIMessage[] = await chat.load()
          await Promise.all([history.clear(), session.clearSession(), chat.save({ messages })])
        }
        export const { points }: { points: number } = asRateLimiter(onKoa.rateLimit({ limit: 1 }))
        // @ts-expect-error A misspelt option is an error.
        onExpress.sessionMemory({ stor: store })
        storeContract({ name: 'own', create: () => embeddedProvider(), describe, it })`
      await writeFile(join(consumer.folder, `typed.${extension}`), text)
      const tsc = join(root, 'node_modules/typescript/bin/tsc')
      const options = [
        '--ignoreConfig',
        '--noEmit',
        '--strict',
        '--module',
        'nodenext',
        '--skipLibCheck',
      ]
      const { code, stdout } = await consumer.node(tsc, ...options, `typed.${extension}`)
      assert.equal(code, 0, stdout)
    })
  }

  it('proves a provider with node:test, as an ES module', async function () {
    this.timeout(60_000)
    await writeFile(
      join(consumer.folder, 'own.test.mjs'),
      `import { describe, it } from 'node:test'
      import { embeddedProvider } from 'memoryware'
      import { storeContract } from 'memoryware/store-contract'
      const faults = process.argv.includes('faulty') ? { incr: async () => '1' } : {}
      const create = () => ({ ...embeddedProvider(), name: 'own', ...faults })
      storeContract({ name: 'own', create, describe, it })`,
    )
    const test = (...args: string[]) =>
      run(process.execPath, ['own.test.mjs', ...args], consumer.folder, 60_000)
    const sound = await test()
    assert.equal(sound.code, 0, sound.stdout)
    assert.match(sound.stdout, /pass [1-9]\d\d$/m)
    const faulty = await test('faulty')
    assert.equal(faulty.code, 1)
    assert.match(faulty.stdout, /adds, from 0, and gives the sum/)
  })

  it('proves a provider with Mocha, as a CommonJS module', async function () {
    this.timeout(60_000)
    await writeFile(
      join(consumer.folder, 'own.cjs'),
      `const { embeddedProvider } = require('${commonJs(consumer, 'memoryware')}')
      const { storeContract } = require('${commonJs(consumer, 'memoryware/store-contract')}')
      const create = async () => ({ ...embeddedProvider(), name: 'own' })
      storeContract({ name: 'own', create, describe, it })`,
    )
    const mocha = join(root, 'node_modules/mocha/bin/mocha.js')
    const args = [mocha, '--no-config', '--timeout', '10000', '--reporter', 'json', 'own.cjs']
    const { stdout } = await run(process.execPath, args, consumer.folder, 60_000)
    const { passes, failures, pending } = JSON.parse(stdout).stats
    assert.deepEqual([passes > 100, failures, pending], [true, 0, 0])
  })

  it('has a doctor that npx finds, which tells as JSON and by its exit status', async () => {
    const bin = join(consumer.installed, 'dist/bin/memoryware.js')
    assert.match(await readFile(bin, 'utf8'), /^#!\/usr\/bin\/env node\n/)
    const manifest = await readFile(join(consumer.installed, 'package.json'), 'utf8')
    assert.deepEqual(JSON.parse(manifest).bin, { memoryware: './dist/bin/memoryware.js' })
    const sound = await consumer.node(bin, 'doctor', '--json')
    assert.equal(sound.code, 0, sound.stderr)
    const { healthy, findings } = JSON.parse(sound.stdout)
    assert.deepEqual([healthy, findings[0].name, findings[0].status], [true, 'node', 'ok'])
    const away = await consumer.node(bin, 'doctor', '--json', '--url', 'redis://127.0.0.1:1')
    assert.equal(away.code, 1)
    assert.equal(JSON.parse(away.stdout).healthy, false)
    assert.equal((await consumer.node(bin, 'nurse')).code, 2)
  })

  it('has no source of more than 250 lines', async () => {
    const all = await Promise.all(
      ['adapters', 'bin', 'contract', 'lib', 'middleware'].map(sourceFiles),
    )
    const long = all
      .flat()
      .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > 250)
    assert.deepEqual(long, [])
  })

  it('works without the optional packages, but for the entry points that are for them', async () => {
    const { peerDependencies, peerDependenciesMeta } = JSON.parse(
      await readFile(join(root, 'package.json'), 'utf8'),
    )
    const names = Object.keys(peerDependencies)
    assert.deepEqual(Object.keys(peerDependenciesMeta), names)
    for (const name of names) assert.equal(peerDependenciesMeta[name].optional, true)
  })

  it('depends on exact versions: npm would pick older majors for older Nodes', async () => {
    const { dependencies, devDependencies } = JSON.parse(
      await readFile(join(root, 'package.json'), 'utf8'),
    )
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^(npm:ioredis@)?\d+\.\d+\.\d+$/.test(String(version)),
    )
    // Its wrappers know limiters by their class, so it must be the copy that the application has.
    assert.deepEqual(loose, [['rate-limiter-flexible', '^11.0.0']])
  })
})

async function programsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  return names.filter((name) => name.endsWith('.js')).sort()
}

/** Node itself takes the other build, also for `require`; bundlers and test runners take this one. */
function commonJs(consumer: Consumer, entry: string): string {
  const file = entry === 'memoryware' ? 'lib/index' : entry.replace('memoryware', folderOf(entry))
  return join(consumer.installed, 'dist/cjs', `${file}.js`).replaceAll('\\', '/')
}

function folderOf(entry: string): string {
  if (/(langchain|openai-agents|ai-sdk|rate-limiter-flexible)$/.test(entry)) return 'adapters'
  if (entry.endsWith('contract')) return 'contract'
  return /(doctor|msgpack)$/.test(entry) ? 'lib' : 'middleware'
}

async function exports(ending: ReturnType<typeof run>, names: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await ending
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  const found = stdout.trim().split(',')
  assert.deepEqual(
    names.filter((name) => !found.includes(name)),
    [],
  )
}
