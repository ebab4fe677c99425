import { UsageError } from '../lib/errors.ts'
import { IdError } from '../lib/keys.ts'

/** What the application names: @throws UsageError where that names nothing. */
export function namedByApplication<T>(encode: () => T): T {
  try {
    return encode()
  } catch (error) {
    if (error instanceof IdError) throw new UsageError(error.message, { cause: error })
    throw error
  }
}
