import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'mocha'
import type { Diagnosis } from '../../lib/doctor.ts'
import { killAtExit } from '../support/processes.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { root } from '../support/source-files.ts'
import { byName, found } from './findings.ts'

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program, with nothing in its environment but this. */
async function memoryware(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const program = ['--import', 'tsx', 'bin/memoryware.ts', ...args]
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, program, { cwd: root, env: { PATH, ...env } })
  killAtExit(child)
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('exit', resolve)),
  ])
  return { code, stdout, stderr }
}

describe('npx memoryware doctor', function () {
  // Each starts a process, which compiles what it runs.
  this.timeout(60_000)
  let server: TestServer
  let folder: string
  before(async () => {
    server = await startRedis({
      password: 'canary/4711',
      users: ['app on >canary-4712 ~* &* +@all -hset -scan'],
      args: ['--maxmemory', '100mb', '--appendonly', 'yes'],
    })
    folder = await mkdtemp(join(tmpdir(), 'memoryware-doctor-'))
  })
  after(async () => {
    await server.stop()
    await rm(folder, { recursive: true })
  })

  it('tells as JSON what it found, and of the application, and ends with 0', async () => {
    const app = join(folder, 'app.mjs')
    await writeFile(
      app,
      `console.log('{ not json')
      setInterval(() => {}, 1000)
      export default Object.assign(() => {}, { settings: { 'trust proxy': true } })`,
    )
    const { code, stdout, stderr } = await memoryware([
      'doctor',
      ...['--json', '--url', server.url, '--prefix', 'app:', '--app', app],
    ])
    equal(code, 0, stdout + stderr)
    const { healthy, counts, findings } = JSON.parse(stdout) as Diagnosis
    equal(healthy, true)
    deepEqual([counts.ok + counts.warning, counts.failure, counts.unknown], [13, 0, 0])
    found(byName(findings)['proxy'], 'warning', /every proxy/, /trust proxy/)
    found(byName(findings)['environment'], 'ok', /--url/)
    equal(stderr, '{ not json\n')
    doesNotMatch(stdout, /canary/)
  })

  it('tells people in lines what docs/doctor.md shows, without secrets, and ends with 1', async () => {
    const admin = server.client()
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru', 'appendonly', 'no')
    const app = join(folder, 'plain.mjs')
    await writeFile(
      app,
      `export default Object.assign(() => {}, { settings: { 'trust proxy': true } })`,
    )
    const { code, stdout, stderr } = await memoryware(['doctor', '--app', app], {
      REDIS_URL: `redis://app:canary-4712@${server.host}:${server.port}`,
    })
    equal(code, 1, stderr)
    const page = await readFile(join(root, 'docs/doctor.md'), 'utf8')
    const [, sample = ''] = /```\n(ok .*?)```/s.exec(page) ?? []
    equal(plain(stdout), plain(sample))
    doesNotMatch(stdout + stderr, /canary/)
    equal(stdout.includes('\u001b'), false)
    equal(stderr, '')
  })

  it('takes an application that cannot be loaded for a failure, and a wrong environment', async () => {
    const { code, stdout } = await memoryware(
      ['doctor', '--json', '--app', join(folder, 'canary-4713.js')],
      {
        REDIS_URL: 'redis://:canary-4713@a',
        REDIS_HOST: 'canary',
      },
    )
    equal(code, 1)
    const findings = byName((JSON.parse(stdout) as Diagnosis).findings)
    deepEqual(Object.keys(findings), ['node', 'environment', 'proxy'])
    found(findings['environment'], 'failure', /REDIS_URL contradicts REDIS_HOST/)
    found(findings['proxy'], 'failure', /….js cannot be loaded/, /export default/)
  })

  it('shows how it is used, and ends with 2 for what is not there', async () => {
    const [help, ...wrong] = await Promise.all(
      [['--help'], ['nurse'], ['doctor', '--jsn'], ['doctor', '--url', 'canary:x@y']].map((args) =>
        memoryware(args),
      ),
    )
    deepEqual([help?.code, help?.stderr], [0, ''])
    match(help?.stdout ?? '', /^Usage: memoryware doctor .*--json/)
    for (const { code, stdout, stderr } of wrong) {
      deepEqual([code, stdout], [2, ''])
      match(stderr, /\n\nUsage: memoryware doctor/)
      doesNotMatch(stderr, /canary/)
    }
  })
})

/** Without what differs from place to place. */
function plain(output: string): string {
  return output
    .replace(/(localhost|127\.0\.0\.1):\d+/, 'server')
    .replace(/\d+\.\d ms/, 'a while')
    .replace(/(Node|Redis) \d+\.\d+\.\d+/g, '$1')
    .replace(/\d+ MiB of/, 'some of')
    .replace(/NOPERM .* has/, 'NOPERM this user has')
}
