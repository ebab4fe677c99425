import { type ChildProcess, execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const endings = new Set<() => void>()

/**
 * Runs `end` when this process exits, should the test that started something not have ended it.
 * Gives back what takes the order back.
 */
export function endAtExit(end: () => void): () => void {
  if (endings.size === 0) process.once('exit', endAll)
  endings.add(end)
  return () => {
    endings.delete(end)
    if (endings.size === 0) process.off('exit', endAll)
  }
}

/** Kills `child` when this process exits, however it exits; SIGKILL of this process excepted. */
export function killAtExit(child: ChildProcess): void {
  const forget = endAtExit(() => child.kill('SIGKILL'))
  child.once('exit', forget)
}

/** What a command that asks for nothing prints; undefined when it fails or is not there. */
export async function outputOf(command: string, args: string[]): Promise<string | undefined> {
  const running = run(command, args, { timeout: 300_000, maxBuffer: 32 * 1024 * 1024 })
  running.child.stdin?.end()
  return running.then(
    ({ stdout }) => stdout,
    () => undefined,
  )
}

/** What a command that asks for nothing prints, however it ends. */
export function wordsOf(command: string, args: string[]): Promise<string> {
  return new Promise((resolve) => {
    const running = execFile(command, args, { timeout: 60_000 }, (_, printed, complained) =>
      resolve(printed + complained),
    )
    running.stdin?.end()
  })
}

function endAll(): void {
  for (const end of endings) end()
}
