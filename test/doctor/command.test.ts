import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
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

describe('npx memoryware doctor', () => {
  let server: TestServer
  let folder: string
  before(async () => {
    server = await startRedis({
      password: 'canary/4711',
      users: ['few on >canary-4712 +info'],
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
    deepEqual(counts, { ok: 12, warning: 1, failure: 0, unknown: 0 })
    found(byName(findings)['proxy'], 'warning', /every proxy/, /trust proxy/)
    found(byName(findings)['environment'], 'ok', /--url/)
    equal(stderr, '{ not json\n')
    doesNotMatch(stdout, /canary/)
  })

  it('tells people in lines, what fails and a sum, without secrets, and ends with 1', async () => {
    const { code, stdout, stderr } = await memoryware(['doctor'], {
      REDIS_HOST: server.host,
      REDIS_PORT: String(server.port),
      REDIS_USERNAME: 'few',
      REDIS_PASSWORD: 'canary-4712',
    })
    equal(code, 1)
    match(stdout, /^ok {7}environment +REDIS_HOST, .*REDIS_PASSWORD say where Redis is\.$/m)
    match(stdout, /^failure {2}rights +The user few .*\n +.*ACL SETUSER few \+eval/m)
    match(stdout, /\n\n1 failure, 0 warnings, 9 ok, 2 unknown\n$/)
    doesNotMatch(stdout + stderr, /canary/)
    equal(stdout.includes('\u001b'), false)
    equal(stderr, '')
  })

  it('takes an application that cannot be loaded for a failure, and a wrong environment', async () => {
    const { code, stdout } = await memoryware(
      ['doctor', '--json', '--app', join(folder, 'none.js')],
      {
        REDIS_URL: 'redis://a',
        REDIS_HOST: 'canary',
      },
    )
    equal(code, 1)
    const findings = byName((JSON.parse(stdout) as Diagnosis).findings)
    deepEqual(Object.keys(findings), ['node', 'environment', 'proxy'])
    found(findings['environment'], 'failure', /REDIS_URL contradicts REDIS_HOST/)
    found(findings['proxy'], 'failure', /none\.js cannot be loaded/, /export default/)
  })

  it('shows how it is used, and ends with 2 for what is not there', async () => {
    const [help, ...wrong] = await Promise.all(
      [['--help'], [], ['nurse'], ['doctor', '--jsn'], ['doctor', '--url', 'canary:x@y']].map(
        (args) => memoryware(args),
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
