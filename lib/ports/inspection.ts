import type { Call } from '../deadline.ts'

/** One server of a store, or this process. */
export interface NodeInfo {
  /** `host:port`, or `embedded`. */
  readonly address: string
  /** Of the server software. */
  readonly version: string
  /** Seconds since it started. */
  readonly uptime: number
  /** Keys of all kinds. */
  readonly keys: number
  readonly clients: ClientsInfo
  readonly memory: MemoryInfo
  readonly stats: StatsInfo
}

/** Connections to a server. */
export interface ClientsInfo {
  readonly connected: number
  /** Waiting in a blocking command. */
  readonly blocked: number
  /** Above this many, new ones are refused. */
  readonly max: number
}

/** What a server keeps in memory, in bytes. */
export interface MemoryInfo {
  readonly used: number
  readonly peak: number
  /** `Infinity` where there is no bound. */
  readonly max: number
  /** What goes when it is full, as in `maxmemory-policy`. */
  readonly policy: string
}

/** What a server has done since it started. */
export interface StatsInfo {
  readonly commands: number
  readonly commandsPerSecond: number
  readonly hits: number
  readonly misses: number
  readonly expired: number
  readonly evicted: number
}

/** A command that took long, without its arguments: they may be secret. */
export interface SlowCommand {
  readonly id: number
  /** When it ran. */
  readonly at: Date
  /** Milliseconds it ran for, without waiting. */
  readonly durationMs: number
  /** Its name, in capitals. */
  readonly command: string
  /** The server that ran it. */
  readonly address: string
}

/** Looks into a store. */
export interface Inspection {
  /** Every server that holds keys; of a Cluster, its masters. */
  nodes(call?: Call): Promise<readonly NodeInfo[]>
  /** Keys of all kinds, over all servers. Of a whole database: prefixes are not told apart. */
  dbsize(call?: Call): Promise<number>
  /** Bytes that a key takes with all it holds; `undefined` for an absent one. */
  size(key: string, call?: Call): Promise<number | undefined>
  /** The newest slow commands of all servers, newest first. */
  slowlog(count: number, call?: Call): Promise<readonly SlowCommand[]>
}
