import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { run } from './support/consumer.ts'
import { root } from './support/source-files.ts'

const pages = ['memory', 'turns', 'user-sessions', 'rate-limits', 'caching'].map(
  (name) => `docs/${name}.md`,
)

/** What the pages take for granted around a piece of code. */
const around = `
declare namespace Express {
  interface Request { auth?: { sub: string }; session: { userId?: string } }
}
declare const app: import('express').Express
declare const koa: import('koa').default
declare const req: import('express').Request
declare const res: import('express').Response
declare const sessionMemory: typeof import('memoryware/express').sessionMemory
declare const memoryRoutes:
  typeof import('memoryware/express').memoryRoutes & typeof import('memoryware/koa').memoryRoutes
declare const rateLimit: typeof import('memoryware/express').rateLimit
declare const cacheResponse: typeof import('memoryware/express').cacheResponse
declare const compose: typeof import('memoryware/express').compose
declare const cached: typeof import('memoryware').cached
declare const store: import('memoryware').Store
declare const openai: import('openai').default
declare const model: string
declare const tools: import('openai').default.Chat.ChatCompletionTool[]
declare const DefaultChatTransport: typeof import('ai').DefaultChatTransport
declare const id: string
declare const importedId: string
declare const user: string
declare const text: string
declare const source: AsyncIterable<string>
declare const answer: import('memoryware').StoredAnswer
declare const question: import('memoryware').StoredMessage
declare let turn: import('memoryware').Turn
type Turn = import('memoryware').Turn
type TypedHash<Values extends object> = import('memoryware').TypedHash<Values>
declare function ask(turn: Turn): Promise<string>
declare function show(text: string): void
declare function sumUp(...given: unknown[]): Promise<string>
declare function shortTitle(messages: readonly import('memoryware').Message[]): Promise<string>
declare function planOf(req: import('express').Request): Promise<{ perMinute: number; perDay?: number }>
declare function estimate(body: unknown): number
declare function work(): Promise<number>
declare function find(query: string): Promise<{ text: string; sources: string[] }>
declare const metrics: { count(name: string, labels: object): void }
declare function signedIn(body: unknown): Promise<string>
declare function runTool(called: object): Promise<unknown>
declare class EventSource {
  constructor(url: string)
  addEventListener(name: string, listener: (event: { data: string }) => void): void
  close(): void
}
`

describe('the code on the pages of memory, limits and the cache', () => {
  let folder: string
  let faults: string[] = []

  before(async function () {
    this.timeout(60_000)
    folder = await mkdtemp(join(tmpdir(), 'memoryware-pages-'))
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
    await writeFile(join(folder, 'around.d.ts'), around)
    await writeFile(join(folder, 'wrong.mts'), 'req.memory.turn(1)\nexport {}\n')
    for (const [name, code] of await blocks()) await writeFile(join(folder, name), code)
    const at = (path: string) => [join(root, path)]
    const compilerOptions = {
      ...{ module: 'nodenext', target: 'es2023', lib: ['es2023', 'es2024.string'] },
      ...{ strict: true, noEmit: true, skipLibCheck: true, types: ['node'] },
      allowImportingTsExtensions: true,
      paths: {
        memoryware: at('lib/index.ts'),
        'memoryware/rate-limiter-flexible': at('adapters/rate-limiter-flexible.ts'),
        'memoryware/*': at('middleware/*.ts'),
      },
    }
    const config = join(folder, 'tsconfig.json')
    await writeFile(config, JSON.stringify({ compilerOptions, include: ['*.d.ts', '*.mts'] }))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout } = await run(process.execPath, [tsc, '-p', config], folder, 60_000)
    // What this package allows itself, others may not: only the pages are looked at.
    faults = stdout.split('\n').filter((line) => /^[\w-]+\.mts/.test(line))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('compiles', () => {
    const [wrong = [], right] = [true, false].map((known) =>
      faults.filter((line) => line.startsWith('wrong.mts') === known),
    )
    assert.deepEqual(right, [])
    assert.equal(wrong.length, 1)
  })
})

/** Each block of a page as a module of its own. */
async function blocks(): Promise<readonly (readonly [name: string, code: string])[]> {
  const found = await Promise.all(
    pages.map(async (page) => {
      const text = await readFile(join(root, page), 'utf8')
      const codes = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
      assert.ok(codes.length > 0)
      const name = page.replace(/^.*\/|\.md$/g, '')
      return codes.map((code, at) => [`${name}-${at}.mts`, `${code}\nexport {}\n`] as const)
    }),
  )
  return found.flat()
}
