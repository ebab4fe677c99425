import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { killAtExit } from '../test/support/processes.ts'
import { pinServer } from './cores.ts'
import type { StackName } from './servers/stacks.ts'
import type { Usage } from './servers/usage.ts'

/** A stack that runs in a process of its own. */
export interface Served {
  readonly url: string
  usage(): Promise<Usage>
  end(): Promise<void>
}

/** Starts a stack from the folder of compiled servers; without `redis` it keeps things itself. */
export async function serve(
  compiled: string,
  stack: StackName,
  redis: string | undefined,
): Promise<Served> {
  const child = fork(`${compiled}/bench/servers/server.js`, redis ? [stack, redis] : [stack], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    // Nothing of this environment says where Redis is, or how long anything is kept.
    env: { PATH: process.env['PATH'], NODE_ENV: 'production' },
  })
  killAtExit(child)
  // Frameworks write there of requests that a load generator breaks off at its end: no news.
  let written = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    written = (written + text).slice(-2000)
  })
  const died = new Promise<never>((_, reject) => {
    child.once('close', (code) => reject(new Error(`${stack} ended with ${code}:\n${written}`)))
  })
  died.catch(() => {}) // It is ended some day; only while it is asked for something is that a failure.
  const { port } = await reply<{ port: number }>(child, died)
  pinServer(child.pid)
  return {
    url: `http://127.0.0.1:${port}`,
    async usage() {
      child.send('usage')
      return reply<Usage>(child, died)
    },
    async end() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

async function reply<T>(child: ChildProcess, died: Promise<never>): Promise<T> {
  const [message] = await Promise.race([once(child, 'message'), died])
  return message as T
}
