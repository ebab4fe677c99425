import type { Turns } from '../../ports/turns.ts'
import type { RedisBus } from './bus.ts'
import type { Pool } from './pool.ts'

/** Turns of conversations. */
export function redisTurns(_pool: Pool, _bus: RedisBus): Turns {
  return {} as never
}
