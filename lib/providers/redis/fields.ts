import type { Fields } from '../../ports/fields.ts'
import type { Pool } from './pool.ts'

/** Named values. */
export function redisFields(_pool: Pool): Fields {
  return {} as never
}
