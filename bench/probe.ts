import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { killAtExit } from '../test/support/processes.ts'
import { pinServer } from './cores.ts'

/** A process that measures itself. */
export interface Probe {
  /** Sends it something, where something is given, and gives what it says next. */
  ask<T>(order?: string): Promise<T>
  end(): Promise<void>
}

/** Starts a probe from the folder of what is compiled, by name. */
export function startProbe(
  compiled: string,
  name: string,
  args: readonly string[],
  nodeFlags: readonly string[] = [],
): Probe {
  const child = fork(`${compiled}/bench/probes/${name}.js`, [...args], {
    // Heaps are weighed without what nobody needs any more.
    execArgv: ['--expose-gc', ...nodeFlags],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Nothing of this environment says where Redis is, or how long anything is kept.
    env: { PATH: process.env['PATH'], NODE_ENV: 'production' },
  })
  killAtExit(child)
  pinServer(child.pid)
  const died = new Promise<never>((_, reject) => {
    child.once('close', (code) => reject(new Error(`${name} ended with ${code}`)))
  })
  died.catch(() => {}) // It is ended some day; only while it is asked for something is that a failure.
  return {
    async ask<T>(order?: string) {
      if (order !== undefined) child.send(order)
      const [message] = await Promise.race([once(child, 'message'), died])
      return message as T
    },
    end: () => ended(child),
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
