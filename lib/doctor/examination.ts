import type { Asked, Checkup, ServerFacts, ServerFields } from '../ports/checkup.ts'
import { clientTimeouts } from './client-timeouts.ts'
import { clock } from './clock.ts'
import { connection } from './connection.ts'
import { database } from './database.ts'
import { eviction } from './eviction.ts'
import { expiry } from './expiry.ts'
import { type Finding, unknown, type Verdict, worstOf } from './finding.ts'
import { families } from './key-kind.ts'
import { maxMemory } from './max-memory.ts'
import { neededRights } from './needed-rights.ts'
import { persistence } from './persistence.ts'
import { replication } from './replication.ts'
import { rights } from './rights.ts'
import { serverVersion } from './server-version.ts'

/** What can only be told once a server has answered, in the order it is told. */
const behind = [
  'version',
  'eviction',
  'memory',
  'persistence',
  'replication',
  'rights',
  'database',
  'expiry',
  'clock',
] as const

type Verdicts = Readonly<Record<(typeof behind)[number], Verdict>>

/** Looks at servers, and says what is wrong with each. It rejects never, and ends within 3 seconds. */
export async function examine(checkup: Checkup): Promise<readonly Finding[]> {
  const servers = await reached(checkup)
  const facts = checkup.connection()
  const first: Finding[] = [{ name: 'connection', ...connection(facts, servers) }]
  if (facts.handedIn) first.push({ name: 'timeouts', ...clientTimeouts(facts) })
  const verdicts = 'why' in servers ? untold : await verdictsOn(checkup, servers.value)
  return [...first, ...behind.map((name) => ({ name, ...verdicts[name] }))]
}

const notReached = unknown('Redis could not be looked at.')
const untold = Object.fromEntries(behind.map((name) => [name, notReached])) as Verdicts

async function reached(checkup: Checkup): Promise<Asked<readonly ServerFacts[]>> {
  try {
    const servers = await checkup.servers()
    const silent = servers.find(isSilent)
    if (silent === undefined) return { value: servers }
    return servers.length === 1
      ? { why: silent.info.why }
      : { why: `no answer from ${silent.address}` }
  } catch (error) {
    const { cause = error } = error as Error
    return { why: cause instanceof Error ? cause.message : String(cause) }
  }
}

/** A server that refuses to tell can be used; one that does not answer cannot. */
function isSilent(
  server: ServerFacts,
): server is ServerFacts & { readonly info: { readonly why: string } } {
  const { info } = server
  return 'why' in info && /no answer|closed|ECONN|EPIPE|timeout|writeable/i.test(info.why)
}

async function verdictsOn(checkup: Checkup, servers: readonly ServerFacts[]): Promise<Verdicts> {
  const facts = checkup.connection()
  const { kind, user, db } = facts
  const needed = neededRights({ cluster: kind === 'cluster', database: db !== 0 })
  const [answers, sample] = await Promise.all([
    checkup.rights(needed.flatMap(({ commands }) => commands)),
    checkup.sample(families),
  ])
  return {
    version: ofEach(servers, serverVersion),
    eviction: ofEach(servers, eviction),
    memory: ofEach(servers, maxMemory),
    persistence: ofEach(servers, (info, { settings }) => persistence(info, settings)),
    replication: ofEach(servers, (info, { settings }) => replication(info, settings, kind)),
    rights: rights(user, needed, answers),
    database: database(facts, sample),
    expiry: expiry(sample),
    clock: clock(servers.map((server) => server.clock)),
  }
}

function ofEach(
  servers: readonly ServerFacts[],
  check: (info: ServerFields, server: ServerFacts) => Verdict,
): Verdict {
  return worstOf(
    servers.map((server) => {
      const { address, info } = server
      if ('why' in info) return { address, verdict: unknown(`INFO is not told: ${info.why}.`) }
      return { address, verdict: check(info.value, server) }
    }),
  )
}
