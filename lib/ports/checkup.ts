/** An answer, or why there is none. */
export type Asked<T> = { readonly value: T } | { readonly why: string }

/** Fields that a server tells of itself, by name: of INFO, or of CONFIG GET. */
export type ServerFields = ReadonlyMap<string, string>

/** How this process is connected. */
export interface ConnectionFacts {
  /** One server, a Cluster, or a master that Sentinels know. */
  readonly kind: 'server' | 'cluster' | 'sentinels'
  /** Where that is, without user and password. */
  readonly where: string
  /** It speaks TLS. */
  readonly tls: boolean
  /** The number of the database. */
  readonly db: number
  /** The ACL user. */
  readonly user: string
  /** The client is the caller's. */
  readonly handedIn: boolean
  /** Milliseconds of silence after which the client takes a connection for dead. */
  readonly socketTimeout: number | undefined
  /** What was last wrong with the connection, in the words of the system or the server. */
  readonly trouble: string | undefined
}

/** What one server tells. */
export interface ServerFacts {
  /** `host:port`, or the path of a socket. */
  readonly address: string
  /** The reply of INFO. */
  readonly info: Asked<ServerFields>
  /** Settings, as CONFIG GET tells them. */
  readonly settings: Asked<ServerFields>
  /** A look at its clock. */
  readonly clock: Asked<ClockReading>
}

/** A look at a server's clock, in milliseconds. */
export interface ClockReading {
  /** What it said. */
  readonly serverMs: number
  /** What the clock of this process said when it was asked. */
  readonly sentMs: number
  /** How long the answer took. */
  readonly tookMs: number
}

/** A word of a command; keys and channels without what stands before them. */
export type CommandWord = string | { readonly key: string } | { readonly channel: string }

/** What a server says to several commands. */
export interface ServerRights {
  /** `host:port`, or the path of a socket. */
  readonly address: string
  /** One each, in their order: whether it is allowed; `undefined` where it is not known there. */
  readonly allowed: readonly (boolean | undefined)[]
}

/** Some of the keys of a database. */
export interface KeySample {
  /** How many were looked at. */
  readonly looked: number
  /** There are no others. */
  readonly whole: boolean
  /** Those that start as asked, without what stands before all keys. */
  readonly found: readonly { readonly key: string; readonly expires: boolean }[]
}

/** A look at servers as a doctor takes it: nothing is written, and a refusal is an answer. */
export interface Checkup {
  /** How this process is connected; asks nobody. */
  connection(): ConnectionFacts
  /** Every server that holds keys. @throws StoreError where none can be reached */
  servers(): Promise<readonly ServerFacts[]>
  /** Whether the user may run commands; none of them is run. */
  rights(commands: readonly (readonly CommandWord[])[]): Promise<Asked<readonly ServerRights[]>>
  /** Looks at some keys, and whether those that start with one of `starts` end some day. */
  sample(starts: readonly string[]): Promise<Asked<KeySample>>
}
