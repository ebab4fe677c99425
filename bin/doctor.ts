import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { secretsIn } from '../lib/config.ts'
import { type Diagnosis, diagnosisOf } from '../lib/doctor/diagnosis.ts'
import { environment } from '../lib/doctor/environment.ts'
import { type Finding, failure, ok, type Verdict } from '../lib/doctor/finding.ts'
import { nodeVersion } from '../lib/doctor/node-version.ts'
import { proxyTrust } from '../lib/doctor/proxy.ts'
import { report } from '../lib/doctor/report.ts'
import { hiding } from '../lib/doctor/secrets.ts'
import { diagnose } from '../lib/doctor.ts'
import { OptionError } from '../lib/errors.ts'
import { passwordIn } from '../lib/redis-url.ts'
import { createStore, type Store, storeOf } from '../lib/store.ts'

const loadWithinMs = 2000

/** What a person asks a doctor for. */
export interface DoctorOptions {
  /** One JSON object instead of lines. */
  readonly json?: boolean | undefined
  /** This Redis instead of what the environment says. */
  readonly url?: string | undefined
  /** Of the store. */
  readonly prefix?: string | undefined
  /** A module whose default export is the application. */
  readonly app?: string | undefined
}

/** Looks at everything, and says what is to be printed. */
export async function doctor(
  options: DoctorOptions,
): Promise<{ readonly text: string; readonly healthy: boolean }> {
  // What would be a notice elsewhere is a finding here.
  process.removeAllListeners('warning')
  const { findings, healthy, counts } = await quietly(() => diagnosisFor(options))
  const colours = process.stdout.isTTY === true && process.stdout.hasColors()
  const text = options.json
    ? `${JSON.stringify({ healthy, counts, findings }, null, 2)}\n`
    : report(findings, { colours })
  return { text, healthy }
}

/** The application may say something while it is loaded: the output is for the report alone. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { write } = process.stdout
  process.stdout.write = process.stderr.write.bind(process.stderr) as typeof write
  try {
    return await work()
  } finally {
    process.stdout.write = write
  }
}

async function diagnosisFor(options: DoctorOptions): Promise<Diagnosis> {
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
  return diagnosisOf(findings.map(hidden))
}

function storeFor({ url, prefix }: DoctorOptions): { verdict: Verdict; store?: Store } {
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
    return failure(`${file} cannot be loaded: ${firstLine(error)}.`, fix)
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
  return (
    String(error instanceof Error ? error.message : error)
      .split('\n', 1)[0]
      ?.replace(/[.:]$/, '') ?? ''
  )
}
