import { publish } from '../telemetry.ts'
import { createGate, type Gate } from './gate.ts'

// An open gate nobody comes to any more stands before a part that is no longer there.
const forgottenAfterMs = 10_000

/** A gate before each part of a store. */
export interface Gates {
  /** A part is away. */
  readonly open: boolean
  /** The gate before the part that holds these keys; keys of several parts have one of their own. */
  before(keys: readonly string[]): Gate
  /** Lets the next call through each gate at once. */
  probe(): void
}

interface Watched {
  readonly gate: Gate
  usedAt: number
}

const everything = ''
const several = 'several'

/** Makes gates; the store counts as lost while one of its parts is. */
export function createGates(partOf: ((key: string) => string) | undefined): Gates {
  const gates = new Map<string, Watched>()
  const lost = new Set<string>()

  function made(part: string): Watched {
    const gate = createGate({
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

  function forgetUnused(now: number): void {
    for (const part of [...lost]) {
      if (now - (gates.get(part)?.usedAt ?? 0) < forgottenAfterMs) continue
      gates.delete(part)
      found(part)
    }
  }

  return {
    get open() {
      if (partOf !== undefined && lost.size > 0) forgetUnused(performance.now())
      for (const { gate } of gates.values()) if (gate.open) return true
      return false
    },
    before(keys) {
      const part = partOf === undefined ? everything : partOfAll(keys, partOf)
      const watched = gates.get(part) ?? made(part)
      if (partOf !== undefined) watched.usedAt = performance.now()
      return watched.gate
    },
    probe() {
      for (const { gate } of gates.values()) gate.probe()
    },
  }
}

function partOfAll(keys: readonly string[], partOf: (key: string) => string): string {
  const [first, ...others] = keys
  if (first === undefined) return everything
  const part = partOf(first)
  return others.every((key) => partOf(key) === part) ? part : several
}
