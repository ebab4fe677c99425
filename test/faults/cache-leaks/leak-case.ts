import type { Plan, Reply, Run, Sent } from '../../cache/site.ts'
import type { Peer } from './peers.ts'

/** One request of a script. */
export type Ask = readonly [path: string, sent?: Sent]

/** What a client got: a whole reply, or how it got none. */
export type Got = Reply | 'nothing' | 'broken'

/** An app, what is asked of it, and what would be a leak. */
export interface LeakCase {
  /** What must not be given to somebody else. */
  readonly says: string
  /** Those that give it away, each known by the same script. */
  readonly leaksIn: readonly Peer[]
  /** @default a handler that says which run it is */
  readonly handle?: (run: Run) => unknown
  /** @default the same path twice */
  readonly asks?: readonly Ask[]
  /** What surrounds the handler. @default a `ttl` of a minute, and nothing else */
  readonly plan?: Partial<Omit<Plan, 'handle'>>
  /** @default somebody gets the body that somebody before has got */
  readonly leaked?: (got: readonly Got[]) => boolean
  /** Leaves once this many bytes of the first answer are there. @default stays */
  readonly firstLeaves?: boolean
}

/** A run's own text: two runs never say the same. */
export function ownText(run: Run): void {
  run.send(200, `run ${run.number}`)
}

/** What the handler sets besides, before it says which run it is. */
export function setting(fields: Readonly<Record<string, string>>): (run: Run) => void {
  return (run) => {
    for (const [name, value] of Object.entries(fields)) run.set(name, value)
    ownText(run)
  }
}

/** Two requests for one path that differ in a field. */
export function differing(name: string, one: string | undefined, other: string): readonly Ask[] {
  const first: Ask = one === undefined ? ['/a'] : ['/a', { headers: { [name]: one } }]
  return [first, ['/a', { headers: { [name]: other } }]]
}

/** True where a body came twice. */
export function sameBodies(got: readonly Got[]): boolean {
  const bodies = got.flatMap((each) => (typeof each === 'string' ? [] : [each.body]))
  return new Set(bodies).size < bodies.length
}

/** True where the last reply is not as it should be. */
export function lastFails(wanted: (last: Reply) => boolean): (got: readonly Got[]) => boolean {
  return (got) => {
    const last = got.at(-1)
    return last === undefined || typeof last === 'string' || !wanted(last)
  }
}
