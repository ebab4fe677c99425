import type { Redis } from 'ioredis'
import type {
  Asked,
  Checkup,
  ClockReading,
  CommandWord,
  ConnectionFacts,
  ServerFacts,
  ServerFields,
  ServerRights,
} from '../../ports/checkup.ts'
import { socketTimeoutOf } from './advice.ts'
import { placeOf } from './health.ts'
import { fieldsOfInfo } from './info.ts'
import { addressOf } from './inspect.ts'
import { isCluster } from './open-client.ts'
import type { Pool } from './pool.ts'
import { reached } from './reached.ts'
import { sampleOf } from './sample.ts'
import { servers } from './servers.ts'

const answerWithinMs = 1000
const settings = ['appendfsync', 'save', 'min-replicas-to-write']

/** Looks at servers as a doctor does. */
export function redisCheckup(pool: Pool): Checkup {
  const { first } = pool
  return {
    connection: () => connectionOf(pool),
    servers: async () => Promise.all(servers(await reached(first)).map(factsOf)),
    rights: (commands) =>
      asked(async () => {
        const words = commands.map((command) => command.map((word) => spoken(word, pool.prefix)))
        return Promise.all(servers(await reached(first)).map((server) => rightsOn(server, words)))
      }),
    sample: (starts) => asked(async () => sampleOf(await reached(first), pool.prefix, starts)),
  }
}

function connectionOf({ first: { client, owned, trouble } }: Pool): ConnectionFacts {
  const options = isCluster(client) ? client.options.redisOptions : client.options
  const { db = 0, username, tls } = { ...options }
  const single = !isCluster(client) && client.options.sentinels?.length ? 'sentinels' : 'server'
  return {
    kind: isCluster(client) ? 'cluster' : single,
    where: placeOf(client),
    tls: tls !== undefined,
    db,
    user: username || 'default',
    handedIn: !owned,
    socketTimeout: socketTimeoutOf(client),
    trouble: trouble ?? stateOf(client.status),
  }
}

/** What the driver does not say of a client that is not ready. */
function stateOf(status: string): string | undefined {
  if (status === 'ready') return undefined
  if (status === 'connect') return 'silent'
  return status === 'end' ? 'the client is closed' : 'no connection'
}

async function factsOf(server: Redis): Promise<ServerFacts> {
  const [info, told, clock] = await Promise.all([
    asked(async () => fieldsOfInfo(await server.info())),
    asked(() => settingsOf(server)),
    asked(() => clockOf(server)),
  ])
  return { address: addressOf(server), info, settings: told, clock }
}

/** The quickest of three answers: this process may have been busy with another. */
async function clockOf(server: Redis): Promise<ClockReading> {
  const first = await readClock(server)
  const others = [await readClock(server), await readClock(server)]
  return others.reduce((one, other) => (other.tookMs < one.tookMs ? other : one), first)
}

async function readClock(server: Redis): Promise<ClockReading> {
  const sentMs = Date.now()
  const began = performance.now()
  const [seconds, micros] = await server.time()
  const tookMs = performance.now() - began
  return { serverMs: Number(seconds) * 1000 + Number(micros) / 1000, sentMs, tookMs }
}

async function settingsOf(server: Redis): Promise<ServerFields> {
  const words = (await server.call('CONFIG', 'GET', ...settings)) as unknown[]
  const pairs = settings.flatMap((name): [string, string][] => {
    const at = words.indexOf(name)
    return at < 0 ? [] : [[name, String(words[at + 1])]]
  })
  return new Map(pairs)
}

/** Asks without running anything: `acl_check_cmd` is there since Redis 7. */
const question = `local answers = {}
local at = 1
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  local known, allowed = pcall(redis.acl_check_cmd, unpack(ARGV, at + 1, at + count))
  answers[#answers + 1] = known and (allowed and 1 or 0) or -1
  at = at + count + 1
end
return answers`

async function rightsOn(
  server: Redis,
  commands: readonly (readonly string[])[],
): Promise<ServerRights> {
  const words = commands.flatMap((command) => [String(command.length), ...command])
  const answers = (await server.eval(question, 0, ...words)) as number[]
  const allowed = answers.map((answer) => (answer < 0 ? undefined : answer === 1))
  return { address: addressOf(server), allowed }
}

function spoken(word: CommandWord, prefix: string): string {
  if (typeof word === 'string') return word
  return 'key' in word ? prefix + word.key : word.channel
}

/** An answer within a second, or why there is none. */
async function asked<T>(ask: () => Promise<T>): Promise<Asked<T>> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<{ why: string }>((resolve) => {
    timer = setTimeout(resolve, answerWithinMs, { why: 'no answer within a second' })
  })
  const answer = ask().then(
    (value) => ({ value }),
    (error: unknown) => ({ why: error instanceof Error ? error.message : String(error) }),
  )
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
