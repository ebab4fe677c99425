#!/usr/bin/env node
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { secretsIn } from '../lib/config.ts'
import { diagnosisOf } from '../lib/doctor/diagnosis.ts'
import { environment } from '../lib/doctor/environment.ts'
import { type Finding, failure, ok, type Verdict } from '../lib/doctor/finding.ts'
import { nodeVersion } from '../lib/doctor/node-version.ts'
import { proxyTrust } from '../lib/doctor/proxy.ts'
import { report } from '../lib/doctor/report.ts'
import { hiding } from '../lib/doctor/secrets.ts'
import { diagnose } from '../lib/doctor.ts'
import { OptionError } from '../lib/errors.ts'
import { isRedisUrl, passwordIn } from '../lib/redis-url.ts'
import { createStore, type Store, storeOf } from '../lib/store.ts'

const usage = `Usage: memoryware doctor [--json] [--url URL] [--prefix PREFIX] [--app FILE]

Looks at the environment and at the Redis behind it, and says what is wrong and how to correct it.
It writes nothing to Redis.

  --json           one JSON object: healthy, counts, findings (name, status, found, fix)
  --url URL        this Redis instead of what the environment says
  --prefix PREFIX  the prefix of the store: createStore({ prefix })
  --app FILE       a module whose default export is the Express or Koa application
  --help           this text

Exit status: 0 where nothing fails (warnings are no failures), 1 where something does, 2 for a
command or an option that is not there.
`

const loadWithinMs = 2000

interface Options {
  readonly json?: boolean
  readonly url?: string
  readonly prefix?: string
  readonly app?: string
  readonly help?: boolean
}

void main()

async function main(): Promise<void> {
  const options = optionsIn(process.argv.slice(2))
  if (typeof options === 'string') return end(process.stderr, `${options}\n\n${usage}`, 2)
  if (options.help) return end(process.stdout, usage, 0)
  // What would be a notice elsewhere is a finding here.
  process.removeAllListeners('warning')
  const print = process.stdout.write.bind(process.stdout)
  // The application may say something while it is loaded; this output is the report alone.
  process.stdout.write = process.stderr.write.bind(process.stderr) as typeof process.stdout.write
  const { findings, healthy, counts } = diagnosisOf(await findingsFor(options))
  process.stdout.write = print
  const colours = process.stdout.isTTY === true && process.stdout.hasColors()
  const text = options.json
    ? `${JSON.stringify({ healthy, counts, findings }, null, 2)}\n`
    : report(findings, { colours })
  end(process.stdout, text, healthy ? 0 : 1)
}

/** Exits, once all is written: connections and the application's timers would keep it running. */
function end(to: NodeJS.WriteStream, text: string, code: number): void {
  to.write(text, () => process.exit(code))
}

function optionsIn(args: string[]): Options | string {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        url: { type: 'string' },
        prefix: { type: 'string' },
        app: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    const [command, ...more] = positionals
    if (values.help) return values
    if (command !== 'doctor') return `There is no command ${command ?? 'given'}.`
    if (more.length > 0) return 'doctor takes options only.'
    if (values.url !== undefined && !isRedisUrl(values.url))
      return '--url must be a URL such as redis://user:password@host:6379/0.'
    return values
  } catch (error) {
    return (error as Error).message
  }
}

async function findingsFor(options: Options): Promise<readonly Finding[]> {
  const hidden = hiding([...secretsIn(), ...passwordIn(options.url ?? '')])
  const { verdict, store } = storeFor(options)
  const [ofStore, proxy] = await Promise.all([
    store === undefined ? [] : diagnose(store).then(({ findings }) => findings),
    options.app === undefined ? undefined : proxyOf(options.app),
  ])
  const findings: Finding[] = [
    { name: 'node', ...nodeVersion(process.versions.node) },
    { name: 'environment', ...verdict },
    ...ofStore.filter(({ name }) => name !== 'node'),
    ...(proxy === undefined ? [] : [{ name: 'proxy', ...proxy }]),
  ]
  return findings.map(hidden)
}

function storeFor({ url, prefix }: Options): { verdict: Verdict; store?: Store } {
  const own = prefix === undefined ? {} : { prefix }
  try {
    if (url !== undefined)
      return { verdict: ok('--url says where Redis is.'), store: createStore({ url, ...own }) }
    const { verdict, config } = environment()
    return config === undefined ? { verdict } : { verdict, store: storeOf(config, own) }
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    return { verdict: failure(`${error.message}.`, 'Correct `--prefix` or the environment.') }
  }
}

async function proxyOf(file: string): Promise<Verdict> {
  const fix =
    'Name a module that plain Node can load, with `export default app` and without `listen`.'
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Verdict>((done) => {
    timer = setTimeout(done, loadWithinMs, failure(`${file} does not finish loading.`, fix))
  })
  try {
    return await Promise.race([load(file).then(proxyTrust), late])
  } catch (error) {
    return failure(`${file} cannot be loaded: ${firstLine(error)}`, fix)
  } finally {
    clearTimeout(timer)
  }
}

async function load(file: string): Promise<unknown> {
  const { default: given } = await import(pathToFileURL(resolve(file)).href)
  // A module that was compiled to CommonJS has its default export one deeper.
  return given?.default ?? given
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? ''
}
