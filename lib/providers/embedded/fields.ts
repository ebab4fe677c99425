import type { Fields } from '../../ports/fields.ts'
import type { Conversations } from './history.ts'

/** Named values. */
export function embeddedFields(_: Conversations): Fields {
  return {} as never
}
