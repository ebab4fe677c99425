import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { killAtExit } from '../test/support/processes.ts'
import { root } from '../test/support/source-files.ts'
import { connections, type Load, type LoadResult } from './load.ts'
import type { Requests } from './requests.ts'

/** What a process of autocannon is asked for. */
export interface Shot {
  readonly url: string
  readonly requests: Requests
  readonly seconds: number
  readonly connections: number
}

/** The load of autocannon, in a process of its own: in this one it would wait for the bench. */
export function autocannonLoad(): Load {
  const about = readFileSync(join(root, 'node_modules/autocannon/package.json'), 'utf8')
  const { version } = JSON.parse(about) as { version: string }
  const program = fileURLToPath(new URL('./autocannon-process.ts', import.meta.url))
  return {
    name: `autocannon ${version}`,
    async run(url, requests, seconds, over = connections) {
      const child = fork(program)
      killAtExit(child)
      const ended = once(child, 'exit').then(([code]) => {
        throw new Error(`autocannon ended with ${code} and no figures`)
      })
      ended.catch(() => {}) // It ends some day; only before its figures is that a failure.
      child.send({ url, requests, seconds, connections: over } satisfies Shot)
      const [result] = await Promise.race([once(child, 'message'), ended])
      return result as LoadResult
    },
  }
}
