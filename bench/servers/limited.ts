import { unreachable } from './work.ts'

/** How a limiter is asked: rarely is a limit reached, or always. */
export interface Limited {
  readonly limit: number
  readonly seconds: number
}

/** All requests pass. */
export const passing: Limited = { limit: unreachable, seconds: 60 }

/** All but the first are refused. */
export const refusing: Limited = { limit: 1, seconds: 3600 }
