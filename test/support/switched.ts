import { type Provider, StoreError } from '../../lib/index.ts'

/** A provider that can be taken away, as a server that refuses connections. */
export interface Switched {
  readonly provider: Provider
  away: boolean
}

const never = new Set(['close', 'onReady', 'of', 'names'])

/** Puts a switch before all calls of a provider. */
export function switched(given: Provider): Switched {
  const state = { away: false, provider: given }
  const guarded = <T extends object>(part: T): T =>
    Object.fromEntries(
      Object.entries(part).map(([name, member]) => {
        if (typeof member === 'object' && member !== null) return [name, guarded(member)]
        if (typeof member !== 'function' || never.has(name)) return [name, member]
        const call = async (...args: unknown[]) => {
          if (state.away) throw new StoreError(name, 'unavailable', { outcome: 'not-sent' })
          return member(...args)
        }
        return [name, call]
      }),
    ) as T
  state.provider = { ...guarded(given), name: 'switched' }
  return state
}
