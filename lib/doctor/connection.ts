import type { Asked, ConnectionFacts, ServerFacts } from '../ports/checkup.ts'
import { failure, ok, type Verdict, warning } from './finding.ts'
import { causeOf, ofSeveral } from './trouble.ts'

/** Every call waits for it, and all calls of a request have 150 ms. */
const slowMs = 75

/** Whether Redis can be reached, and is what it was taken for. */
export function connection(facts: ConnectionFacts, asked: Asked<readonly ServerFacts[]>): Verdict {
  if ('why' in asked) {
    const one = ofSeveral.test(asked.why)
    const [cause, fix] = causeOf(one ? asked.why : (facts.trouble ?? asked.why), facts)
    return failure(`Redis at ${facts.where} cannot be used: ${cause}.`, fix)
  }
  const wrong = asked.value.flatMap(({ info }) =>
    'value' in info ? [wrongKind(facts, info.value.get('redis_mode'))] : [],
  )[0]
  if (wrong !== undefined) return wrong
  const times = asked.value.flatMap(({ clock }) => ('value' in clock ? [clock.value.tookMs] : []))
  if (times.length === 0) return ok(`Redis at ${facts.where} answers.`)
  const slowest = Math.max(...times)
  const found = `Redis at ${facts.where} answers in ${slowest.toFixed(1)} ms.`
  if (slowest <= slowMs) return ok(found)
  return warning(found, 'Look at `store.slowlog()` and `redis-cli --latency`, or move them closer.')
}

function wrongKind({ kind, where }: ConnectionFacts, mode: string | undefined) {
  if (mode === 'sentinel')
    return failure(
      `${where} is a Sentinel, which keeps no data.`,
      'Set `REDIS_SENTINELS` to its address, and `REDIS_SENTINEL_NAME`, instead of `REDIS_URL` or `REDIS_HOST`.',
    )
  if (mode === 'cluster' && kind === 'server')
    return failure(
      `${where} is a node of a Cluster, used as a single server: most keys are on others (MOVED).`,
      'Set `REDIS_CLUSTER_NODES`, or createStore({ cluster }), instead of `REDIS_URL` or `REDIS_HOST`.',
    )
  return undefined
}
