import { isAway } from '../../errors.ts'
import type { Batch, Command } from '../../ports/key-value.ts'
import { redacted } from '../../redact.ts'
import type { Connection } from './connection.ts'
import { storeError } from './failure.ts'
import { checkSize } from './largest.ts'
import type { Pool } from './pool.ts'
import { type Settled, type Step, settledTogether } from './together.ts'

const once = { again: false }

/** Where the outcome of a step will stand. */
interface Place {
  readonly connection: Connection
  readonly at: number
}

/** Steps for each connection, and where each command's outcomes are found; or why it is not sent. */
interface Plan {
  readonly steps: Map<Connection, Step[]>
  readonly places: (readonly Place[] | Error)[]
}

/**
 * Sends batches: in one write to one server, at once to several.
 *
 * @throws StoreError when no command got through.
 */
export function redisBatch(
  pool: Pool,
  { maxValueBytes }: { maxValueBytes: number },
): Batch['batch'] {
  return async (commands, call) => {
    const plan: Plan = { steps: new Map(), places: [] }
    for (const command of commands) plan.places.push(placed(pool, plan, command, maxValueBytes))
    const settled = new Map<Connection, readonly Settled[]>()
    await Promise.all(
      [...plan.steps].map(async ([connection, steps]) => {
        const send = () => settledTogether(connection.client, steps)
        settled.set(connection, await connection.send('pipeline', send, once, call))
      }),
    )
    const results = commands.map(({ name }, at) => result(name, plan.places[at], settled))
    if (results.length > 0 && results.every(isAway)) throw results[0]
    return results
  }
}

function placed(
  pool: Pool,
  { steps }: Plan,
  command: Command,
  maxValueBytes: number,
): readonly Place[] | Error {
  if (command.name === 'set') {
    try {
      checkSize('set', command.value.byteLength, maxValueBytes)
    } catch (error) {
      return error as Error
    }
  }
  const add = (connection: Connection, step: Step): Place => {
    const queue = steps.get(connection) ?? []
    steps.set(connection, queue)
    return { connection, at: queue.push(step) - 1 }
  }
  if (!('keys' in command)) return [add(pool.of(command.key), stepOf(command))]
  const method = command.name === 'delete' ? 'unlink' : 'exists'
  return pool.groups(command.keys).flatMap(({ connection, keys, alone }) => {
    const runs = alone ? keys.map((key) => [key]) : [keys]
    return runs.map((run) => add(connection, [method, ...run]))
  })
}

function stepOf(command: Exclude<Command, { readonly keys: readonly string[] }>): Step {
  switch (command.name) {
    case 'get':
      return ['getBuffer', command.key]
    case 'set': {
      const step: Step = ['set', command.key, redacted(command.value)]
      return command.ttlMs === undefined ? step : [...step, 'PX', command.ttlMs]
    }
    case 'expire':
      return ['pexpire', command.key, command.ttlMs]
    case 'ttl':
      return ['pttl', command.key]
    case 'incr':
      return ['incrby', command.key, command.by]
  }
}

function result(
  name: Command['name'],
  places: readonly Place[] | Error | undefined,
  settled: ReadonlyMap<Connection, readonly Settled[]>,
): unknown {
  if (places === undefined || places instanceof Error) return places
  const outcomes = places.map(
    ({ connection, at }) => settled.get(connection)?.[at] ?? [new Error('no reply'), undefined],
  )
  const failed = outcomes.find(([error]) => error)
  if (failed) return storeError(name, failed[0])
  return read[name](outcomes.map(([, reply]) => reply))
}

const count = (replies: readonly unknown[]) =>
  replies.reduce<number>((total, reply) => total + Number(reply), 0)

const read: Record<Command['name'], (replies: readonly unknown[]) => unknown> = {
  get: ([reply]) => reply ?? undefined,
  set: () => undefined,
  delete: count,
  exists: count,
  expire: ([reply]) => reply === 1,
  ttl: ([reply]) => timeToLive(reply as number),
  incr: ([reply]) => reply,
}

/** Milliseconds left as Redis tells them: -2 where there is no key, -1 where it does not end. */
export function timeToLive(reply: number): number | undefined {
  if (reply === -2) return undefined
  return reply === -1 ? Number.POSITIVE_INFINITY : reply
}
