#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { isRedisUrl } from '../lib/redis-url.ts'
import type { DoctorOptions } from './doctor.ts'

const usage = `Usage: memoryware doctor [--json] [--url URL] [--prefix PREFIX] [--app FILE]

Looks at the environment and at the Redis behind it, and says what is wrong and how to correct it.
It writes nothing to Redis.

  --json           one JSON object: healthy, counts, findings (name, status, found, fix)
  --url URL        this Redis instead of what the environment says
  --prefix PREFIX  the prefix of the store: createStore({ prefix })
  --app FILE       a module whose default export is the Express or Koa application
  --help           this text

Exit status: 0 where nothing fails (warnings are no failures), 1 where something does, 2 for a
command or an option that is not there.
`

void main()

async function main(): Promise<void> {
  const options = optionsIn(process.argv.slice(2))
  if (options === 'help') return end(process.stdout, usage, 0)
  if (typeof options === 'string') return end(process.stderr, `${options}\n\n${usage}`, 2)
  // Whoever asks for help need not wait for all that it takes.
  const { doctor } = await import('./doctor.ts')
  const { text, healthy } = await doctor(options)
  end(process.stdout, text, healthy ? 0 : 1)
}

/** Exits, once all is written: connections and the application's timers would keep it running. */
function end(to: NodeJS.WriteStream, text: string, code: number): void {
  to.write(text, () => process.exit(code))
}

function optionsIn(args: string[]): DoctorOptions | string {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        url: { type: 'string' },
        prefix: { type: 'string' },
        app: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    const [command, ...more] = positionals
    if (values.help) return 'help'
    if (command !== 'doctor') return `There is no command ${command ?? 'given'}.`
    if (more.length > 0) return 'doctor takes options only.'
    if (values.url !== undefined && !isRedisUrl(values.url))
      return '--url must be a URL such as redis://user:password@host:6379/0.'
    return values
  } catch (error) {
    return (error as Error).message
  }
}
