import type { Parts } from '../ports/provider.ts'
import { publish } from '../telemetry.ts'
import { createAlarms } from './alarms.ts'
import { createGate, type Gate } from './gate.ts'

// Looking through the slots of a Cluster takes a millisecond.
const lookEveryMs = 500
// Keys of several parts come seldom: their gate is closed again when it is not asked for any more.
const forgottenAfterMs = 5000

/** A gate before each part of a store. */
export interface Gates {
  /** A part is away. */
  readonly open: boolean
  /** The gate before all, where the store names no parts. */
  readonly only: Gate | undefined
  /** The gate before the part that holds these keys; keys of several parts have one of their own. */
  before(keys: readonly string[]): Gate
  /** Lets the next call through each gate at once. */
  probe(): void
}

interface Watched {
  readonly gate: Gate
  usedAt: number
}

const whole = ''
const several = 'several'
const nameless: ReadonlySet<string> = new Set([whole, several])

/** Makes gates; the store counts as lost while one of its parts is. */
export function createGates(parts: Parts | undefined): Gates {
  const gates = new Map<string, Watched>()
  const lost = new Set<string>()
  const alarms = createAlarms()
  let lookedAt = 0

  function made(part: string): Watched {
    const gate = createGate(alarms, {
      onLost(error) {
        lost.add(part)
        if (lost.size === 1) publish('store', () => ({ state: 'degraded', error }))
      },
      onBack: () => found(part),
    })
    const watched = { gate, usedAt: 0 }
    gates.set(part, watched)
    return watched
  }

  function found(part: string): void {
    if (lost.delete(part) && lost.size === 0) publish('store', () => ({ state: 'healthy' }))
  }

  /** A part that another has taken the place of never comes back. */
  function forgetGone(now: number): void {
    if (parts === undefined || lost.size === 0 || now - lookedAt < lookEveryMs) return
    lookedAt = now
    const names = parts.names()
    for (const part of [...lost]) {
      if (names.has(part) || (nameless.has(part) && !isIdle(part, now))) continue
      gates.delete(part)
      found(part)
    }
  }

  function isIdle(part: string, now: number): boolean {
    return now - (gates.get(part)?.usedAt ?? 0) > forgottenAfterMs
  }

  return {
    only: parts === undefined ? made(whole).gate : undefined,
    get open() {
      forgetGone(performance.now())
      for (const { gate } of gates.values()) if (gate.open) return true
      return false
    },
    before(keys) {
      const part = parts === undefined ? whole : partOfAll(keys, parts)
      const watched = gates.get(part) ?? made(part)
      if (parts !== undefined) {
        watched.usedAt = performance.now()
        forgetGone(watched.usedAt)
      }
      return watched.gate
    },
    probe() {
      for (const { gate } of gates.values()) gate.probe()
    },
  }
}

function partOfAll(keys: readonly string[], parts: Parts): string {
  const [first, ...others] = keys
  if (first === undefined) return whole
  const part = parts.of(first)
  return others.every((key) => parts.of(key) === part) ? part : several
}
