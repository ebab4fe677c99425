import type { Store } from 'memoryware'

/** Where an agent stands in its work. */
export interface AgentState {
  readonly goal: string
  readonly done: readonly string[]
}

/** Saves where a run stands; gives the number of the step. A run that rests for a day is forgotten. */
export async function checkpoint(store: Store, run: string, state: AgentState): Promise<number> {
  const [step] = await store
    .pipeline()
    .incr(`agent:{${run}}:step`)
    .set(`agent:{${run}}:state`, state, { ttl: '1d' })
    .expire(`agent:{${run}}:step`, '1d')
    .exec()
  return step
}

/** Where a run stands, for a process that goes on with it. */
export async function resume(
  store: Store,
  run: string,
): Promise<{ step: number; state: AgentState } | undefined> {
  const keys = [`agent:{${run}}:step`, `agent:{${run}}:state`]
  const [step, state] = (await store.mget(keys)) as [number?, AgentState?]
  return step === undefined || state === undefined ? undefined : { step, state }
}

const defaults = { language: 'en', tone: 'friendly', length: 'short' }

/** What a user prefers. */
export type Preferences = typeof defaults

/** Changes some preferences of a user; each has a key of its own, so that changes at once all hold. */
export async function prefer(
  store: Store,
  user: string,
  changes: Partial<Preferences>,
): Promise<void> {
  const entries = Object.entries(changes).map(([name, value]) => [`prefs:{${user}}:${name}`, value])
  await store.mset(Object.fromEntries(entries), { ttl: '90d' })
}

/** All preferences of a user, in one round trip; the defaults where there is none. */
export async function preferences(store: Store, user: string): Promise<Preferences> {
  const names = Object.keys(defaults)
  const values = await store.mget<string>(names.map((name) => `prefs:{${user}}:${name}`))
  const known = names.flatMap((name, at) => (values[at] === undefined ? [] : [[name, values[at]]]))
  return { ...defaults, ...Object.fromEntries(known) }
}
