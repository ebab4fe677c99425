import { publish } from '../lib/telemetry.ts'
import type { Observer } from './exchange.ts'

/** Whether the observer answers in the place of what failed. Never fails itself. */
export function rescues(observer: Observer, error: unknown): boolean {
  try {
    return observer.rescue?.(error) ?? false
  } catch (failure) {
    publish('error', () => ({ during: 'cache rescue', error: failure }))
    return false
  }
}
