import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { eventually } from './eventually.ts'
import type { TestServer } from './redis.ts'

/** Fails where a server's process or folder is still there. */
export async function assertGone({ pid, path }: Pick<TestServer, 'pid' | 'path'>): Promise<void> {
  // A killed process is there until the system has taken it away.
  await eventually(`there is no process ${pid}`, async () => {
    assert.throws(() => process.kill(pid, 0), /ESRCH/)
    return true
  })
  await assert.rejects(access(dirname(path)), /ENOENT/)
}
