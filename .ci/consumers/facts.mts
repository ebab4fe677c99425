const counts = { passed: 0, failed: 0 }

/** Names what the facts that follow are about. */
export function about(what: string): void {
  console.log(what)
}

/** Counts a fact, and says whether it holds. */
export async function check(fact: string, verify: () => unknown): Promise<boolean> {
  try {
    await verify()
    counts.passed += 1
    console.log(`  ok      ${fact}`)
    return true
  } catch (error) {
    counts.failed += 1
    console.log(`  FAILED  ${fact}: ${error instanceof Error ? error.message : error}`)
    return false
  }
}

/** How many facts held and how many did not. */
export function totals(): Readonly<typeof counts> {
  return counts
}
