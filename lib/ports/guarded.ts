import type { Deadline } from '../deadline.ts'
import type { Provider } from './provider.ts'

/** A provider that answers or fails in time. */
export interface Guarded extends Provider {
  /** A breaker is open: calls to what stands behind it fail at once until it is back. */
  readonly degraded: boolean
  /** Lets the next call through at once, where calls fail without being tried. */
  probe(): void
  /** A fresh budget of waiting, for one request. */
  deadline(): Deadline
}
