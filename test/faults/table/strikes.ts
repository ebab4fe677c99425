import { mkdir, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { eventually } from '../../support/eventually.ts'
import type { Strike } from '../../support/fault-run.ts'
import { freePort, type TestServer } from '../../support/redis.ts'

/** How a strike falls and how it ends. */
export type Blow = Pick<Strike, 'strike' | 'clear'>

/** Closes every connection but this one. */
export async function disconnectOthers(admin: Redis): Promise<void> {
  for (const type of ['normal', 'pubsub'])
    await admin.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
}

/** Does something again and again, each time once it is done, until it is cleared. */
export function repeatedly(act: () => Promise<unknown>, everyMs: number): Blow {
  let going = true
  let gone: Promise<void> | undefined
  return {
    strike() {
      gone = (async () => {
        while (going) {
          await act()
          await sleep(everyMs)
        }
      })()
    },
    async clear() {
      going = false
      await gone
    },
  }
}

/** A client that runs a script without end: all others are told BUSY. */
export function endlessScript(server: TestServer, admin: Redis): Blow {
  const client = server.client({ retryStrategy: () => null })
  return {
    strike() {
      client.eval('while true do end', 0).catch(() => {}) // Told that it was killed.
    },
    async clear() {
      await admin.script('KILL')
      client.disconnect()
    },
  }
}

/** A snapshot that cannot be written: the server takes no writes until one can. */
export function failedSnapshot(server: TestServer, admin: Redis): Blow {
  // Where the file would be there is a folder: that stops root, too.
  const inTheWay = join(dirname(server.path), 'dump.rdb')
  const snapshot = async (status: string) => {
    await admin.bgsave()
    await eventually('the snapshot ends', async () => {
      const told = await admin.info('persistence')
      return told.includes('rdb_bgsave_in_progress:0') && told.includes(`_status:${status}`)
        ? true
        : undefined
    })
  }
  return {
    async strike() {
      await mkdir(inTheWay)
      await admin.config('SET', 'save', '3600 1000000')
      await snapshot('err')
    },
    async clear() {
      await rmdir(inTheWay)
      await snapshot('ok')
    },
  }
}

/** The server becomes the replica of a master that is not there, and a master again. */
export function demotion(admin: Redis): Blow {
  return {
    strike: async () => admin.replicaof('127.0.0.1', await freePort()),
    clear: () => admin.replicaof('NO', 'ONE'),
  }
}

/** All must sign in, and nobody knows the password. */
export function password(admin: Redis): Blow {
  return {
    async strike() {
      await admin.config('SET', 'requirepass', 'unknown')
      await disconnectOthers(admin)
    },
    clear: () => admin.config('SET', 'requirepass', ''),
  }
}

/** Everybody loses some rights, in the words of ACL SETUSER. */
export function lostRights(admin: Redis, ...rights: readonly string[]): Blow {
  return {
    strike: () => admin.acl('SETUSER', 'default', ...rights),
    clear: () => admin.acl('SETUSER', 'default', '+@all'),
  }
}

/** There is room for one client, and that is not you. */
export function noRoom(admin: Redis): Blow {
  return {
    async strike() {
      await admin.config('SET', 'maxclients', '1')
      await disconnectOthers(admin)
    },
    clear: () => admin.config('SET', 'maxclients', '10000'),
  }
}

/** All of them wait for so long; the server lets them go on by itself. */
export function pause(admin: Redis, forMs: number): Blow {
  return { strike: () => admin.call('CLIENT', 'PAUSE', forMs, 'ALL'), clear: () => {} }
}

/** Arguments of a server that takes a tenth of a millisecond for each command it loads. */
export const slowLoading: readonly string[] = [
  ...['--key-load-delay', '100', '--loading-process-events-interval-bytes', '1024'],
]

/** Every write is refused. */
export function outOfMemory(admin: Redis): Blow {
  return {
    strike: () => admin.config('SET', 'maxmemory', '1'),
    clear: () => admin.config('SET', 'maxmemory', '0'),
  }
}

/** Three times as much as there is room for, of what ends within five minutes. */
export function flood(admin: Redis, policy: 'volatile-ttl' | 'allkeys-lru'): Blow {
  return {
    async strike() {
      const [, used] = /used_memory:(\d+)/.exec(await admin.info('memory')) ?? []
      await admin.config('SET', 'maxmemory-policy', policy)
      await admin.config('SET', 'maxmemory', Number(used) + 4 * 1024 * 1024)
      const value = 'x'.repeat(1000)
      for (let first = 0; first < 12_000; first += 100) {
        const batch = admin.pipeline()
        for (let at = first; at < first + 100; at += 1)
          batch.set(`flood:${policy}:${at}`, value, 'EX', 300)
        await batch.exec()
        // Requests are sent from this process, too.
        await sleep(5)
      }
    },
    async clear() {
      await admin.config('SET', 'maxmemory-policy', 'noeviction')
      await admin.config('SET', 'maxmemory', '0')
    },
  }
}
