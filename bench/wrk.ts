import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { endAtExit, killAtExit } from '../test/support/processes.ts'
import { connections, type Load, type LoadResult } from './load.ts'
import type { Requests } from './requests.ts'

const run = promisify(execFile)

/** The load of wrk, where it is on the PATH. */
export function wrkLoad(): Load | undefined {
  const { stdout, error } = spawnSync('wrk', ['-v'], { encoding: 'utf8' })
  if (error) return undefined
  const version = /wrk (\S+)/.exec(stdout)?.[1] ?? 'wrk'
  const folder = mkdtempSync(join(tmpdir(), 'memoryware-wrk-'))
  endAtExit(() => rmSync(folder, { recursive: true, force: true }))
  const scripts = new Map<Requests, string>()

  function scriptOf(requests: Requests): string {
    const known = scripts.get(requests)
    if (known !== undefined) return known
    const path = join(folder, `${scripts.size}.lua`)
    writeFileSync(path, luaOf(requests))
    scripts.set(requests, path)
    return path
  }

  return {
    name: `wrk ${version}`,
    async run(url, requests, seconds, over = connections) {
      const script = scriptOf(requests)
      const args = ['-t1', `-c${over}`, `-d${seconds}s`, '-s', script, url]
      const running = run('wrk', args)
      killAtExit(running.child)
      return resultOf((await running).stdout, requests)
    },
  }
}

const figures =
  /^figures (?<count>\d+) (?<micros>\d+) (?<refused>\d+) (?<failed>\d+) (?<p50>\d+) (?<p99>\d+)$/m

function resultOf(printed: string, { status }: Requests): LoadResult {
  const found = figures.exec(printed)?.groups
  if (!found) throw new Error(`wrk prints no figures:\n${printed}`)
  const figure = (name: string) => Number(found[name])
  // wrk counts statuses from 400 on, and only those.
  const refused = status >= 400 ? figure('count') - figure('refused') : figure('refused')
  return {
    requests: figure('count'),
    seconds: figure('micros') / 1e6,
    wrong: refused + figure('failed'),
    p50Ms: figure('p50') / 1000,
    p99Ms: figure('p99') / 1000,
  }
}

/** A script for wrk that formats all requests first, and then hands out one after the other. */
function luaOf({ method, path, body, variants }: Requests): string {
  const lists = variants.map((fields) => {
    const pairs = Object.entries(fields).map(
      ([name, value]) => `[${quoted(name)}]=${quoted(value)}`,
    )
    return `{${pairs.join(',')}}`
  })
  return `
local variants = {${lists.join(',\n')}}
local body = ${body === undefined ? 'nil' : quoted(body)}
local formatted = {}
local at = 0
function init()
  for each = 1, #variants do
    formatted[each] = wrk.format(${quoted(method)}, ${quoted(path)}, variants[each], body)
  end
end
function request()
  at = at % #formatted + 1
  return formatted[at]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("figures %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
`
}

/** Text as JSON and Lua both write it: what is sent here has no other characters. */
function quoted(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text)) throw new Error(`wrk is sent ASCII only, got ${text}`)
  return JSON.stringify(text)
}
