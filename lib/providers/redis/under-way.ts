/** What is under way: a number, for a set of promises would cost each call another promise. */
export interface UnderWay {
  begin(): void
  end(): void
  /** Waits until nothing is. */
  settled(): Promise<void>
}

/** Counts what is under way. */
export function underWay(): UnderWay {
  const waiting: (() => void)[] = []
  let count = 0
  return {
    begin() {
      count += 1
    },
    end() {
      count -= 1
      if (count === 0) for (const go of waiting.splice(0)) go()
    },
    async settled() {
      if (count > 0) await new Promise<void>((resolve) => waiting.push(resolve))
    },
  }
}
