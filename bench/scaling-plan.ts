/** What a plan is made from. */
export interface Given {
  readonly sessions: number
  /** Of one session with its messages. */
  readonly bytesEach: number
  /** What one master may use of its memory. */
  readonly shardBytes: number
  /** Commands that one turn sends. */
  readonly commandsEach: number
  /** Time of a Redis processor that one turn takes. */
  readonly microsEach: number
}

/** How many masters hold so many sessions. */
export interface Holding {
  readonly bytes: number
  readonly shards: number
}

/** What a rate of turns asks of them. */
export interface Turning {
  readonly turnsPerSecond: number
  readonly commandsPerSecond: number
  /** Commands a second of each master. */
  readonly eachShard: number
  /** Of one processor, how much each master is busy. */
  readonly busy: number
}

/** Masters that hold so many sessions, and no fewer than one. */
export function holding({ sessions, bytesEach, shardBytes }: Given): Holding {
  const bytes = sessions * bytesEach
  return { bytes, shards: Math.max(1, Math.ceil(bytes / shardBytes)) }
}

/** What these masters do at a rate of turns, spread evenly. */
export function turning(given: Given, turnsPerSecond: number): Turning {
  const { shards } = holding(given)
  const commandsPerSecond = turnsPerSecond * given.commandsEach
  return {
    ...{ turnsPerSecond, commandsPerSecond },
    eachShard: commandsPerSecond / shards,
    busy: (turnsPerSecond * given.microsEach) / 1e6 / shards,
  }
}
