/** Every error this package throws on purpose; tell them apart by `code`. */
export class MemorywareError extends Error {
  /**
   * Stable over releases: `ERR_OPTION`, `ERR_ENV`, `ERR_REQUEST`, `ERR_BUSY`, `ERR_STORE`,
   * `ERR_USAGE`.
   */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** An option has a value the package cannot work with. Thrown when mounting, never per request. */
export class OptionError extends MemorywareError {
  constructor(option: string, expected: string, received: unknown) {
    super('ERR_OPTION', `Option \`${option}\` must be ${expected}, got ${show(received)}`)
  }
}

/** An environment variable has a value the package cannot work with, or contradicts another. */
export class EnvironmentError extends MemorywareError {
  /** The variable to correct. */
  readonly variable: string

  constructor(variable: string, problem: string) {
    super('ERR_ENV', `Environment variable ${variable} ${problem}`)
    this.variable = variable
  }
}

/** The client sent something that cannot be served. Frameworks answer with `status`. */
export class RequestError extends MemorywareError {
  readonly status: number
  /** The message holds nothing secret: frameworks may show it. */
  readonly expose = true

  constructor(status: number, message: string, options?: ErrorOptions) {
    super('ERR_REQUEST', message, options)
    this.status = status
  }
}

/** Another turn of the conversation is running, and did not end in time. Frameworks answer 409. */
export class BusyError extends RequestError {
  override readonly code = 'ERR_BUSY'
  /** Sent by the frameworks with the answer. */
  readonly headers: Readonly<Record<string, string>> = { 'Retry-After': '1' }

  constructor() {
    super(409, 'Another message of this conversation is being answered')
  }
}

/** The application used the package in a way that cannot work, such as a cost below 0. */
export class UsageError extends MemorywareError {
  readonly status = 500
  readonly expose = false

  constructor(message: string, options?: ErrorOptions) {
    super('ERR_USAGE', message, options)
  }
}

/**
 * Why a store failed. `timeout`, `unavailable`: it cannot be reached, or does not answer in time.
 * `refused`: it answered with an error. `full`: it is out of memory. `corrupt`: what it holds under
 * the key is not what this package writes there. `conflict`: it changed since `ifRev`.
 */
export type StoreFailure = 'timeout' | 'unavailable' | 'refused' | 'full' | 'corrupt' | 'conflict'

/** What is known of a failed write: it never left, or it may have been carried out. */
export type Outcome = 'not-sent' | 'unknown'

const ofStores = Symbol.for('memoryware.store-error')

/**
 * The store could not be reached or refused a command; the driver's error is the `cause`. Errors of
 * another copy of this package are instances as well: its store may be counted on by this one.
 */
export class StoreError extends MemorywareError {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && ofStores in value
  }

  readonly reason: StoreFailure
  readonly outcome: Outcome
  readonly status: number
  readonly expose = true
  /** Sent by the frameworks with the answer. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    operation: string,
    reason: StoreFailure,
    { cause, outcome = 'unknown' }: { cause?: unknown; outcome?: Outcome } = {},
  ) {
    super('ERR_STORE', `Store failed on ${operation}: ${reason}`, { cause })
    this.reason = reason
    this.outcome = outcome
    this.status = reason === 'conflict' ? 409 : 503
    this.headers = reason === 'conflict' ? {} : { 'Retry-After': '1' }
  }
}

Object.defineProperty(StoreError.prototype, ofStores, { value: true })

/** Whether a failure says that the store is away, rather than that it refused one command. */
export function isAway(error: unknown): error is StoreError {
  return (
    error instanceof StoreError && (error.reason === 'timeout' || error.reason === 'unavailable')
  )
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 80))
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'an array' : 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}
