/** What a server process has used since it began. */
export interface Usage {
  readonly cpuMicros: number
  /** The memory that it takes now, heaps and all. */
  readonly rssBytes: number
  /** How often a handler ran. */
  readonly runs: number
  /** How often a chat turn read fewer messages than a window holds. */
  readonly forgetful: number
  /** How often memoryware went on without its store, or lost it. */
  readonly withoutStore: number
}
