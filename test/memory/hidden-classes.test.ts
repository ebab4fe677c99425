import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { after, before, describe, it } from 'mocha'
import { startRedis, type TestServer } from '../support/redis.ts'
import { root } from '../support/source-files.ts'

const run = promisify(execFile)
const conversing = fileURLToPath(new URL('../support/conversing.ts', import.meta.url))

/** What the loader of TypeScript does to each function that it names, which no other loader does. */
const named = 'Normalize_AttributesMismatchProtoMap'

/** Hidden classes that V8 makes in a process of so many turns, contexts and appends. */
async function made(rounds: number, url?: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'memoryware-'))
  try {
    const log = join(folder, 'maps.log')
    const flags = ['--log-maps', `--logfile=${log}`, '--no-logfile-per-isolate', '--import', 'tsx']
    const program = [conversing, String(rounds), ...(url ? [url] : [])]
    await run(process.execPath, [...flags, ...program], { cwd: root })
    const lines = (await readFile(log, 'utf8')).split('\n')
    return lines.filter((line) => line.startsWith('map,') && !line.includes(named)).length
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('objects of conversations', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  for (const place of ['in this process', 'on Redis'])
    it(`${place} share their hidden classes, however many there are`, async function () {
      this.timeout(60_000)
      const url = place === 'on Redis' ? server.url : undefined
      const few = await made(100, url)
      const many = await made(600, url)
      assert.ok(few > 1000, `only ${few} were logged`)
      assert.ok(many - few < 250, `${few} of 100 rounds, ${many} of 600`)
    })
})
