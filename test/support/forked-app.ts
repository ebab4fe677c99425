import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { killAtExit } from './processes.ts'

/** An app in a process of its own. */
export interface ForkedApp {
  readonly url: string
  readonly child: ChildProcess
  /** Ends it as a terminal would; gives once it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Starts a file that sends the URL it listens at. */
export async function forkApp(file: URL, args: readonly string[]): Promise<ForkedApp> {
  const child = fork(fileURLToPath(file), args, { execArgv: ['--import', 'tsx'] })
  killAtExit(child)
  const failed = once(child, 'exit').then(([code]): never => {
    throw new Error(`The app ended with ${code} instead of listening`)
  })
  failed.catch(() => {}) // It ends some day; only before it listens is that a failure.
  const [url] = (await Promise.race([once(child, 'message'), failed])) as [string]
  return {
    url,
    child,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill(signal)
      await exited
    },
  }
}
