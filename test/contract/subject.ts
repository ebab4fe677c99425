import assert from 'node:assert/strict'
import type { StoreFailure } from '../../lib/errors.ts'
import type { Provider } from '../../lib/ports/provider.ts'

/** A provider to prove, and how to end it. */
export interface Subject {
  readonly provider: Provider
  close(): Promise<void>
}

/** Makes providers of one kind; what an earlier one stored may still be there. */
export interface ProviderFactory {
  readonly name: string
  create(): Promise<Subject>
}

/** The provider under test, once the suite has begun. */
export type Opened = () => Provider

let named = 0

/** A name that no other test uses: providers that share a server keep what the others stored. */
export function fresh(label = 'key'): string {
  named += 1
  return `${label}-${process.pid}-${named}`
}

/** Names that would break a provider which does not take them as they are. */
export const hostile: readonly string[] = [
  '*',
  '?',
  '[a-z]',
  '\\',
  '{x}',
  '{',
  '}:{',
  ':',
  'a:b:m',
  ' ',
  '\n',
  'a\0b',
  '\0',
  '|',
  '%2A',
  '"\'`',
  '__proto__',
  'constructor',
  'schlüssel',
  'e\u0301',
  '🔑',
  '-1',
  'n'.repeat(1000),
]

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
