/** What one request sends to Redis. */
export interface Cost {
  readonly commands: number
  /** Times that it waits for an answer before it sends on. */
  readonly roundTrips: number
  /** Those of them before it answers. */
  readonly before: number
}

/** What requests of memoryware cost today, on either framework. Who changes one changes it here. */
const expected = {
  'one rule': { commands: 1, roundTrips: 1, before: 1 },
  'three rules': { commands: 1, roundTrips: 1, before: 1 },
  'three rules and a hit in L1': { commands: 1, roundTrips: 1, before: 1 },
  'three rules and a hit in L2': { commands: 3, roundTrips: 1, before: 1 },
  refused: { commands: 0, roundTrips: 0, before: 0 },
  settled: { commands: 2, roundTrips: 2, before: 1 },
  'hit in L1': { commands: 0, roundTrips: 0, before: 0 },
  'hit in L2': { commands: 2, roundTrips: 1, before: 1 },
  'cache miss': { commands: 5, roundTrips: 4, before: 2 },
  append: { commands: 1, roundTrips: 1, before: 1 },
  'chat turn': { commands: 3, roundTrips: 2, before: 2 },
  turn: { commands: 3, roundTrips: 2, before: 1 },
  'turn, stored first': { commands: 3, roundTrips: 2, before: 2 },
  'all three, GET /answer': { commands: 1, roundTrips: 1, before: 1 },
  'all three, POST /chat': { commands: 6, roundTrips: 4, before: 2 },
} as const satisfies Record<string, Cost>

/** The name of an expectation. */
export type Expectation = keyof typeof expected

/** Requests of one stack that were counted, one by one, and what they should have cost. */
export interface Counted {
  readonly stack: string
  readonly costs: readonly Cost[]
  readonly expectation?: Expectation | undefined
}

/** A sentence for each stack that does not cost what is expected of it. */
export function wrongCounts(counted: readonly Counted[]): string[] {
  return counted.flatMap(({ stack, costs, expectation }) => {
    if (expectation === undefined) return []
    const should = expected[expectation]
    const wrong = costs.find(
      ({ commands, roundTrips, before }) =>
        commands !== should.commands ||
        roundTrips !== should.roundTrips ||
        before !== should.before,
    )
    if (costs.length > 0 && wrong === undefined) return []
    const found = wrong === undefined ? 'nothing was counted' : `it was ${inWords(wrong)}`
    return [`${stack}: "${expectation}" should be ${inWords(should)}, and ${found}`]
  })
}

function inWords({ commands, roundTrips, before }: Cost): string {
  return `${commands} commands in ${roundTrips} round trips, ${before} before it answers`
}
