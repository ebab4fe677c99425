import type { CommandWord } from '../ports/checkup.ts'
import { families } from './key-kind.ts'

/** Something the user must be allowed to do. */
export interface NeededRight {
  /** As ACL SETUSER takes it: `+get`, `+client|setname`, `~session:*`, `&cache:*`. */
  readonly rule: string
  /** Commands of which one must be allowed. */
  readonly commands: readonly (readonly CommandWord[])[]
}

/** Commands on keys, each with words behind the key that make it whole. */
const onKeys: Readonly<Record<string, readonly string[]>> = {
  get: [],
  mget: [],
  set: ['1'],
  incrby: ['1'],
  copy: ['K'],
  del: [],
  unlink: [],
  exists: [],
  pexpire: ['1'],
  pttl: [],
  pexpiretime: [],
  persist: [],
  hmget: ['a'],
  hgetall: [],
  hkeys: [],
  hlen: [],
  hset: ['a', '1'],
  hdel: ['a'],
  llen: [],
  lrange: ['0', '1'],
  lset: ['0', '1'],
  ltrim: ['0', '1'],
  rpush: ['1'],
  zadd: ['1', 'a'],
  zcard: [],
  zcount: ['0', '1'],
  zrange: ['0', '1'],
  zrangebyscore: ['0', '1'],
  zrem: ['a'],
  zremrangebyscore: ['0', '1'],
  zrevrangebyscore: ['1', '0'],
  zscore: ['a'],
  xadd: ['*', 'a', '1'],
  xrange: ['-', '+'],
}

const alone: Readonly<Record<string, readonly string[]>> = {
  'client|setname': ['client', 'setname', 'a'],
  info: ['info'],
  eval: ['eval', 'return 1', '0'],
  evalsha: ['evalsha', '0'.repeat(40), '0'],
  time: ['time'],
  unsubscribe: ['unsubscribe'],
}

const ofCluster: Readonly<Record<string, readonly string[]>> = {
  'cluster|slots': ['cluster', 'slots'],
  'cluster|info': ['cluster', 'info'],
  asking: ['asking'],
  readonly: ['readonly'],
  readwrite: ['readwrite'],
}

const channels = ['session:', 'cache:']

/** No user is called so: ids of users have no spaces. */
const probe = '{memoryware doctor}'

/** What the middlewares must be allowed to do on a server. */
export function neededRights({
  cluster,
  database,
}: {
  readonly cluster: boolean
  readonly database: boolean
}): readonly NeededRight[] {
  const single = { ...alone, ...(cluster ? ofCluster : {}) }
  const names = Object.keys(onKeys)
  return [
    ...Object.entries(single).map(([name, words]) => ({ rule: `+${name}`, commands: [words] })),
    ...(database ? [{ rule: '+select', commands: [['select', '1']] }] : []),
    ...names.map((name) => ({
      rule: `+${name}`,
      commands: families.map((family) => onKey(name, family)),
    })),
    ...['publish', 'subscribe'].map((name) => ({
      rule: `+${name}`,
      commands: channels.map((channel) => onChannel(name, channel)),
    })),
    ...families.map((family) => ({
      rule: `~${family}*`,
      commands: names.map((name) => onKey(name, family)),
    })),
    ...channels.map((channel) => ({
      rule: `&${channel}*`,
      commands: ['publish', 'subscribe'].map((name) => onChannel(name, channel)),
    })),
  ]
}

function onKey(name: string, family: string): readonly CommandWord[] {
  const key = { key: `${family}${probe}` }
  return [name, key, ...(onKeys[name] ?? []).map((word) => (word === 'K' ? key : word))]
}

function onChannel(name: string, channel: string): readonly CommandWord[] {
  const word = { channel: `${channel}${probe}` }
  return name === 'publish' ? [name, word, '1'] : [name, word]
}
