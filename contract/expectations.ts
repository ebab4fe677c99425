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
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Asserts that a wait is above 0 and at most so long. */
export function within(ms: number | undefined, mostMs: number): void {
  assert.ok(ms !== undefined && ms > 0 && ms <= mostMs, `${ms} is not above 0 and up to ${mostMs}`)
}
