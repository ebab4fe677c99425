import type { Memory, TypedHash } from 'memoryware'

/** Where an agent stands in its work; it is kept with the conversation, and as long as it. */
export interface AgentState {
  readonly worker: string
  readonly steps: number
  readonly done: readonly string[]
}

const stateOf = (memory: Memory) => memory.state as TypedHash<AgentState>

/** Takes the work for one worker; false where another has it. */
export function take(memory: Memory, worker: string): Promise<boolean> {
  return stateOf(memory).compareAndSet('worker', undefined, worker)
}

/** Gives it up; false where it was not this worker's. */
export function release(memory: Memory, worker: string): Promise<boolean> {
  return stateOf(memory).compareAndSet('worker', worker, undefined)
}

/** Notes what was done, and gives the number of the step: none is lost where two do so at once. */
export async function note(memory: Memory, done: string): Promise<number> {
  await stateOf(memory).update('done', (before = []) => [...before, done])
  return stateOf(memory).increment('steps')
}

/** Where the work stands, for a process that goes on with it. */
export function standing(memory: Memory): Promise<Partial<AgentState>> {
  return stateOf(memory).all()
}
