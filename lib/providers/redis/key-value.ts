import type { ChainableCommander } from 'ioredis'
import type { Batch, Command, Counter, Expiry, Keyspace, KeyValue } from '../../ports/key-value.ts'
import { redacted } from '../../redact.ts'
import type { Connection } from './client.ts'
import { storeError } from './failure.ts'
import { scan } from './scan.ts'

const once = { again: false }
const repeatable = { again: true }

/** Values, times to live, counters and scans on Redis. */
export function redisKeyValue({
  send,
}: Connection): KeyValue & Expiry & Counter & Keyspace & Batch {
  return {
    get: async (key, call) =>
      (await send('get', (client) => client.getBuffer(key), repeatable, call)) ?? undefined,
    set: async (key, value, ttlMs, call) => {
      const bytes = redacted(value)
      await send(
        'set',
        (client) =>
          ttlMs === undefined ? client.set(key, bytes) : client.set(key, bytes, 'PX', ttlMs),
        repeatable,
        call,
      )
    },
    delete: async (keys, call) =>
      keys.length === 0 ? 0 : send('delete', (client) => client.unlink(...keys), once, call),
    exists: async (keys, call) =>
      keys.length === 0 ? 0 : send('exists', (client) => client.exists(...keys), repeatable, call),
    mget: async (keys, call) => {
      if (keys.length === 0) return []
      const values = await send('mget', (client) => client.mgetBuffer(...keys), repeatable, call)
      return values.map((value) => value ?? undefined)
    },
    expire: async (key, ttlMs, call) =>
      (await send('expire', (client) => client.pexpire(key, ttlMs), repeatable, call)) === 1,
    ttl: async (key, call) =>
      timeToLive(await send('ttl', (client) => client.pttl(key), repeatable, call)),
    incr: (key, by, call) => send('incr', (client) => client.incrby(key, by), once, call),
    keys: (pattern) =>
      send(
        'keys',
        async (client) => {
          const found = new Set<string>()
          for await (const keys of scan(client, pattern)) for (const key of keys) found.add(key)
          return [...found]
        },
        once,
      ),
    deletePattern: (pattern) =>
      send(
        'deletePattern',
        async (client) => {
          let removed = 0
          for await (const keys of scan(client, pattern)) removed += await client.unlink(...keys)
          return removed
        },
        once,
      ),
    batch: async (commands, call) => {
      if (commands.length === 0) return []
      const replies = await send(
        'pipeline',
        (client) => {
          const pipeline = client.pipeline()
          for (const command of commands) queue(pipeline, command)
          return pipeline.exec()
        },
        once,
        call,
      )
      return commands.map(({ name }, at) => {
        const [error, reply] = replies?.[at] ?? [new Error('no reply'), undefined]
        return error ? storeError(name, error) : read[name](reply)
      })
    },
  }
}

function queue(pipeline: ChainableCommander, command: Command): void {
  switch (command.name) {
    case 'get':
      pipeline.getBuffer(command.key)
      break
    case 'set':
      if (command.ttlMs === undefined) pipeline.set(command.key, redacted(command.value))
      else pipeline.set(command.key, redacted(command.value), 'PX', command.ttlMs)
      break
    case 'delete':
      pipeline.unlink(...command.keys)
      break
    case 'exists':
      pipeline.exists(...command.keys)
      break
    case 'expire':
      pipeline.pexpire(command.key, command.ttlMs)
      break
    case 'ttl':
      pipeline.pttl(command.key)
      break
    case 'incr':
      pipeline.incrby(command.key, command.by)
  }
}

const same = (reply: unknown) => reply

const read: Record<Command['name'], (reply: unknown) => unknown> = {
  get: (reply) => reply ?? undefined,
  set: () => undefined,
  delete: same,
  exists: same,
  expire: (reply) => reply === 1,
  ttl: (reply) => timeToLive(reply as number),
  incr: same,
}

function timeToLive(reply: number): number | undefined {
  if (reply === -2) return undefined
  return reply === -1 ? Number.POSITIVE_INFINITY : reply
}
