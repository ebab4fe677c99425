import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { killAtExit } from '../support/processes.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** An example, running as somebody would start it. */
export interface Started {
  readonly url: string
  /** What it has printed so far. */
  output(): string
  stop(): Promise<number | null>
  /** As a machine that fails: at once, without a word. */
  kill(): Promise<unknown>
}

/** Starts `npm run demo` and waits for the address it prints. */
export function startDemo(env: Record<string, string> = {}): Promise<Started> {
  return startChat('rag-chat', env)
}

/** Starts a chat of the examples and waits for the address it prints. */
export async function startChat(name: string, env: Record<string, string> = {}): Promise<Started> {
  const running = run(`examples/${name}/server.ts`, { PORT: '0', TYPING_MS: '0', ...env })
  const url = await running.printed(/http:\/\/\S+/u)
  return { url, ...running }
}

/** Starts an example that prints nothing, and waits until it answers. */
export async function startQuickstart(file: string, port: number): Promise<Started> {
  const running = run(`examples/${file}`, { PORT: String(port) })
  const url = `http://127.0.0.1:${port}`
  for (let tries = 1; ; tries += 1) {
    const answered = await fetch(url).then(
      () => true,
      () => false,
    )
    if (answered) return { url, ...running }
    if (tries === 200) throw new Error(`${file} does not answer: ${running.output()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** The documents of the tests. */
export function fixtures(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
}

function run(file: string, env: Record<string, string>) {
  // Nothing of the machine's own settings: they may name a store or a model.
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, ['--import', 'tsx', file], {
    cwd: root,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  killAtExit(child)
  const exited = once(child, 'exit')
  let said = ''
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString()
  })
  child.stderr.on('data', (bytes: Buffer) => {
    said += bytes.toString()
  })
  return {
    output: () => said,
    printed: (pattern: RegExp) => printed(child, pattern, () => said),
    async stop() {
      child.kill('SIGTERM')
      const [code] = (await exited) as [number | null]
      return code
    },
    kill() {
      child.kill('SIGKILL')
      return exited
    },
  }
}

async function printed(child: ChildProcess, pattern: RegExp, said: () => string): Promise<string> {
  for (;;) {
    const found = pattern.exec(said())
    if (found) return found[0]
    if (child.exitCode !== null) throw new Error(`It ended: ${said()}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
