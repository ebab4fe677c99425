import { readFileSync } from 'node:fs'
import { type Duration, toMs } from './duration.ts'
import { EnvironmentError, MemorywareError } from './errors.ts'
import { isRedisUrl, parseNode, passwordIn } from './redis-url.ts'

/** Variables of a process's environment. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What the environment says about the default store and the defaults of the middlewares. */
export interface EnvironmentConfig {
  /** `MEMORY_PROVIDER`; without it Redis where one is configured, else the embedded provider. */
  readonly provider: 'redis' | 'embedded'
  /** `MEMORY_PROVIDER` says so. */
  readonly chosen: boolean
  /** `REDIS_URL`. */
  readonly url?: string
  /** `REDIS_HOST`. */
  readonly host?: string
  /** `REDIS_PORT`. */
  readonly port?: number
  /** `REDIS_CLUSTER_NODES`, at commas. */
  readonly cluster?: readonly string[]
  /** `REDIS_SENTINELS`, at commas, with `REDIS_SENTINEL_NAME`, `_USERNAME` and `_PASSWORD`. */
  readonly sentinels?: {
    readonly nodes: readonly string[]
    readonly name?: string
    readonly username?: string
    readonly password?: string
  }
  /** `REDIS_DB`. */
  readonly db?: number
  /** `REDIS_USERNAME`. */
  readonly username?: string
  /** `REDIS_PASSWORD`. */
  readonly password?: string
  /** Contents of `REDIS_TLS_CA_FILE`. */
  readonly ca?: string
  /** `SESSION_TTL`: how long an idle session is kept. @default 3600 */
  readonly sessionTtl: Duration
  /** `MAX_HISTORY_LENGTH`: messages handed to the model. @default 20 */
  readonly maxHistoryLength: number
}

/** What says where Redis is, and what each cannot stand beside. */
const addresses: Readonly<Record<string, readonly string[]>> = {
  REDIS_URL: [
    'REDIS_HOST',
    'REDIS_PORT',
    'REDIS_DB',
    'REDIS_USERNAME',
    'REDIS_PASSWORD',
    'REDIS_CLUSTER_NODES',
    'REDIS_SENTINELS',
  ],
  REDIS_CLUSTER_NODES: ['REDIS_HOST', 'REDIS_PORT', 'REDIS_DB', 'REDIS_SENTINELS'],
  REDIS_SENTINELS: ['REDIS_HOST', 'REDIS_PORT'],
}

const parts = ['REDIS_HOST', 'REDIS_PORT', 'REDIS_DB', 'REDIS_USERNAME', 'REDIS_PASSWORD'] as const

/**
 * Reads the configuration from environment variables. An empty variable counts as absent.
 *
 * @throws EnvironmentError naming the variable, and both where two contradict each other.
 */
export function configFromEnv(environment: Environment = process.env): EnvironmentConfig {
  const env = present(environment)
  refuseContradictions(env)
  const url = redisUrl(env)
  const places = [...Object.keys(addresses), ...parts]
  const configured = places.some((name) => env[name] !== undefined)
  const ca = env['REDIS_TLS_CA_FILE']
  return {
    provider: provider(env, configured),
    chosen: env['MEMORY_PROVIDER'] !== undefined,
    ...defined({
      url,
      host: env['REDIS_HOST'],
      port: whole(env, 'REDIS_PORT', 1, 65_535),
      cluster: nodes(env, 'REDIS_CLUSTER_NODES'),
      sentinels: sentinels(env),
      db: whole(env, 'REDIS_DB', 0, 1_000_000),
      username: env['REDIS_USERNAME'],
      password: env['REDIS_PASSWORD'],
      ca: ca === undefined ? undefined : readCa(ca),
    }),
    sessionTtl: duration(env, 'SESSION_TTL') ?? 3600,
    maxHistoryLength: whole(env, 'MAX_HISTORY_LENGTH', 1, 1000) ?? 20,
  }
}

/** The variables that are set and say where Redis is. */
export function decidedBy(environment: Environment = process.env): readonly string[] {
  const env = present(environment)
  return [...Object.keys(addresses), ...parts].filter((name) => env[name] !== undefined)
}

/** Passwords in the environment, as they stand there and as they are sent: never to be shown. */
export function secretsIn(environment: Environment = process.env): readonly string[] {
  const { REDIS_PASSWORD, REDIS_SENTINEL_PASSWORD, REDIS_URL = '' } = environment
  return [REDIS_PASSWORD, REDIS_SENTINEL_PASSWORD, ...passwordIn(REDIS_URL)].filter(
    (each) => each !== undefined && each !== '',
  ) as string[]
}

function present(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
}

function refuseContradictions(env: Environment): void {
  for (const [name, others] of Object.entries(addresses)) {
    const other = others.find((each) => env[name] !== undefined && env[each] !== undefined)
    if (other) throw new EnvironmentError(name, `contradicts ${other}: set one of them`)
  }
}

function nodes(env: Environment, name: string): readonly string[] | undefined {
  const list = env[name]?.split(',').map((node) => node.trim())
  if (list?.some((node) => parseNode(node, 1) === undefined))
    throw new EnvironmentError(name, 'must be addresses such as host:6379, with commas between')
  return list
}

function sentinels(env: Environment): EnvironmentConfig['sentinels'] {
  const list = nodes(env, 'REDIS_SENTINELS')
  if (list === undefined) return undefined
  return {
    nodes: list,
    ...defined({
      name: env['REDIS_SENTINEL_NAME'],
      username: env['REDIS_SENTINEL_USERNAME'],
      password: env['REDIS_SENTINEL_PASSWORD'],
    }),
  }
}

function redisUrl(env: Environment): string | undefined {
  const url = env['REDIS_URL']
  if (url === undefined) return undefined
  if (!isRedisUrl(url))
    throw new EnvironmentError(
      'REDIS_URL',
      'must be a URL such as redis://user:password@host:6379/0',
    )
  return url
}

function provider(env: Environment, configured: boolean): 'redis' | 'embedded' {
  const name = env['MEMORY_PROVIDER']
  if (name === undefined) return configured ? 'redis' : 'embedded'
  if (name === 'redis' || name === 'embedded') return name
  throw new EnvironmentError(
    'MEMORY_PROVIDER',
    `must be redis or embedded, got ${JSON.stringify(name)}`,
  )
}

function whole(env: Environment, name: string, min: number, max: number): number | undefined {
  const text = env[name]
  if (text === undefined) return undefined
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new EnvironmentError(
    name,
    `must be a whole number from ${min} to ${max}, got ${JSON.stringify(text)}`,
  )
}

function duration(env: Environment, name: string): Duration | undefined {
  const text = env[name]
  if (text === undefined) return undefined
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : text
  try {
    toMs(name, value)
  } catch (cause) {
    if (!(cause instanceof MemorywareError)) throw cause
    throw new EnvironmentError(
      name,
      `must be a duration above 0 (seconds, or such as 15m), got ${JSON.stringify(text)}`,
    )
  }
  return value
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new EnvironmentError('REDIS_TLS_CA_FILE', `cannot be read: ${(cause as Error).message}`)
  }
}

function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as never
}
