import assert from 'node:assert/strict'
import type { StoreFailure } from '../lib/errors.ts'

/** Asserts that a store refuses, and why. */
export async function failsWith(reason: StoreFailure, attempt: Promise<unknown>): Promise<void> {
  await assert.rejects(attempt, { name: 'StoreError', code: 'ERR_STORE', reason })
}

/** Waits until `check` holds; a store may need a moment to see that something has expired. */
export async function eventually(check: () => Promise<boolean>): Promise<void> {
  const lateAt = performance.now() + 5_000
  while (!(await check())) {
    assert.ok(performance.now() < lateAt, 'still not so after 5 s')
    await pause(5)
  }
}

/** Lets time pass, where the store keeps the clock. */
export function pause(ms: number): Promise<void> {
  // A timer may be early by part of a millisecond.
  return new Promise((resolve) => setTimeout(resolve, Math.ceil(ms) + 1))
}

/** Asserts that a wait of at most so long has just begun, in milliseconds: less than ten seconds ago. */
export function within(ms: number | undefined, mostMs: number): void {
  const leastMs = Math.max(0, mostMs - 10_000)
  assert.ok(
    ms !== undefined && ms > leastMs && ms <= mostMs,
    `${ms} is not above ${leastMs} and up to ${mostMs}`,
  )
}
