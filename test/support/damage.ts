import type { Redis } from 'ioredis'

/** Numbers from 0 to 1 that come again with the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** All that a database holds, to be put back as it was. */
export interface Snapshot {
  readonly keys: readonly string[]
  restore(): Promise<void>
}

/** Remembers a whole database. */
export async function snapshot(redis: Redis): Promise<Snapshot> {
  const keys = (await redis.keys('*')).sort()
  const dumps = await Promise.all(
    keys.map(async (key) => [key, await redis.dumpBuffer(key), await redis.pttl(key)] as const),
  )
  return {
    keys,
    async restore() {
      const steps = redis.pipeline().flushdb()
      for (const [key, dump, ttl] of dumps) steps.restore(key, Math.max(ttl, 0), dump as Buffer)
      const failed = (await steps.exec())?.find(([error]) => error)
      if (failed) throw failed[0]
    },
  }
}

type Random = () => number

/** Damages what one key holds, in a way that chance chooses; tells how. */
export async function damage(redis: Redis, key: string, random: Random): Promise<string> {
  if (random() < 0.15) return replace(redis, key, random)
  const type = await redis.type(key)
  const act = byType[type as keyof typeof byType]
  if (act === undefined) throw new Error(`${key} is no key of a type that is known: ${type}`)
  return `${type}: ${await act(redis, key, random)}`
}

const byType = { string: inString, hash: inHash, list: inList, zset: inSet, stream: inStream }

async function inString(redis: Redis, key: string, random: Random): Promise<string> {
  const [how, bytes] = changed((await redis.getBuffer(key)) ?? Buffer.alloc(0), random)
  await redis.set(key, bytes, 'KEEPTTL')
  return how
}

async function inHash(redis: Redis, key: string, random: Random): Promise<string> {
  const field = pick(await redis.hkeys(key), random)
  if (random() < 0.1) {
    await redis.hdel(key, field)
    return `${field} is gone`
  }
  const value = (await redis.hgetBuffer(key, field)) ?? Buffer.alloc(0)
  if (random() < 0.1) {
    const [how, name] = changed(Buffer.from(field), random)
    await redis.hdel(key, field)
    await redis.hset(key, name, value)
    return `name ${field} ${how}`
  }
  const [how, bytes] = changed(value, random)
  await redis.hset(key, field, bytes)
  return `${field} ${how}`
}

async function inList(redis: Redis, key: string, random: Random): Promise<string> {
  const lines = await redis.lrangeBuffer(key, 0, -1)
  const at = Math.floor(random() * lines.length)
  const line = lines[at] as Buffer
  const chance = random()
  if (chance < 0.1) {
    await redis.lrem(key, 1, line)
    return `${at} is gone`
  }
  if (chance < 0.2) {
    const other = Math.floor(random() * lines.length)
    await redis.lset(key, at, lines[other] as Buffer)
    await redis.lset(key, other, line)
    return `${at} and ${other} exchanged`
  }
  const [how, bytes] = changed(line, random)
  await redis.lset(key, at, bytes)
  return `${at} ${how}`
}

async function inSet(redis: Redis, key: string, random: Random): Promise<string> {
  const member = pick(await redis.zrange(key, '0', '-1'), random)
  if (random() < 0.3) {
    const score = pick(['-inf', '+inf', '-1', '0.5', '1e300'], random)
    await redis.zadd(key, score, member)
    return `score ${score}`
  }
  const [how, bytes] = changed(Buffer.from(member), random)
  const score = (await redis.zscore(key, member)) ?? '0'
  await redis.zrem(key, member)
  await redis.zadd(key, score, bytes)
  return `member ${how}`
}

async function inStream(redis: Redis, key: string, random: Random): Promise<string> {
  const entries = await redis.xrangeBuffer(key, '-', '+')
  const at = Math.floor(random() * entries.length)
  const ttl = await redis.pttl(key)
  let told = ''
  await redis.del(key)
  for (const [place, [id, fields]] of entries.entries()) {
    if (place !== at) {
      await redis.xadd(key, id, ...fields)
      continue
    }
    const part = Math.floor(random() * fields.length)
    const [how, bytes] = changed(fields[part] as Buffer, random)
    told = `entry ${at} part ${part} ${how}`
    await redis.xadd(key, id, ...fields.toSpliced(part, 1, bytes))
  }
  if (ttl > 0) await redis.pexpire(key, ttl)
  return told
}

/** Puts something of another type, or other text, in the place of it. */
async function replace(redis: Redis, key: string, random: Random): Promise<string> {
  const type = pick(['string', 'hash', 'list', 'set', 'zset', 'stream', 'none'], random)
  await redis.del(key)
  if (type === 'string') await redis.set(key, pick(['', '1', '-1', 'nan', '{}', 'x|y'], random))
  if (type === 'hash') await redis.hset(key, 'rev', 'x', 'token', 'y')
  if (type === 'list') await redis.rpush(key, '1|m|u|1|{}')
  if (type === 'set') await redis.sadd(key, 'member')
  if (type === 'zset') await redis.zadd(key, 1, 'member')
  if (type === 'stream') await redis.xadd(key, '1-0', 'b', 'x')
  return `a ${type} in its place`
}

function changed(bytes: Buffer, random: Random): [how: string, bytes: Buffer] {
  const at = Math.floor(random() * bytes.length)
  const copy = Buffer.from(bytes)
  const how = pick(['flipped', 'replaced', 'cut', 'emptied', 'longer', 'twice'], random)
  if (how === 'flipped' && copy.length > 0)
    copy[at] = (copy[at] as number) ^ (1 << Math.floor(random() * 8))
  if (how === 'replaced' && copy.length > 0) copy[at] = Math.floor(random() * 256)
  const made = {
    cut: () => copy.subarray(0, at),
    emptied: () => Buffer.alloc(0),
    longer: () => Buffer.concat([copy, Buffer.from([Math.floor(random() * 256)])]),
    twice: () => Buffer.concat([copy, copy]),
  }
  return [`${how} at ${at}`, made[how as keyof typeof made]?.() ?? copy]
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[Math.floor(random() * list.length)] as T
}
