import type { TestServer } from '../test/support/redis.ts'
import type { Load } from './load.ts'

/** What a part of a run works with. */
export interface Bed {
  /** The folder of compiled servers and probes. */
  readonly compiled: string
  /** A Redis that nobody else uses meanwhile. */
  readonly server: TestServer
  readonly load: Load
  readonly short: boolean
  readonly rounds: number
  readonly seconds: number
}

/** What a part of a run has found out. */
export interface Finding {
  /** For `--json`. */
  readonly figures: unknown
  readonly text: string
  /** Sentences about what was counted otherwise than expected. */
  readonly wrong: readonly string[]
}
