import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'

/** All that is said of a secret stands behind this. */
const bird = 'a-bird-of-gold'

/** A secret, known by where it was put. */
export function secret(where: string): string {
  return `${bird}-${where}`
}

/** What was told to whoever listens, logs or traces. */
export interface Told {
  /** An error somebody caught, or an answer that says that something failed. */
  add(of: string, thing: unknown): void
  /** How often anything was told, by where. */
  readonly counts: Readonly<Record<string, number>>
  /** Each secret that was told, and where. */
  readonly secrets: readonly string[]
  /** Does not listen to what a test does itself. */
  apart<T>(task: () => Promise<T>): Promise<T>
  stop(): void
}

const ours = ['store', 'limit', 'settle', 'cache', 'error', 'notice'].map(
  (name) => `memoryware:${name}`,
)
const drivers = ['ioredis:command', 'ioredis:batch', 'ioredis:connect'].flatMap((name) =>
  ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((step) => `tracing:${name}:${step}`),
)

/** Listens to everything that tells: our channels, the driver's tracing channels, warnings. */
export function listening(): Told {
  const counts: Record<string, number> = {}
  const secrets = new Set<string>()
  const add = (of: string, thing: unknown) => {
    counts[of] = (counts[of] ?? 0) + 1
    for (const text of textsOf(thing))
      for (const [found] of text.matchAll(new RegExp(`.{0,60}${bird}[a-z0-9-]*`, 'g')))
        secrets.add(`${of}: ${found}`)
  }
  let deaf = false
  const heard = (message: unknown, name: string | symbol) => {
    if (!deaf) add(String(name), message)
  }
  const warned = (warning: Error) => add('warning', warning)
  for (const name of [...ours, ...drivers]) subscribe(name, heard)
  process.on('warning', warned)
  return {
    add,
    counts,
    get secrets() {
      return [...secrets]
    },
    async apart(task) {
      deaf = true
      return task().finally(() => {
        deaf = false
      })
    },
    stop() {
      for (const name of [...ours, ...drivers]) unsubscribe(name, heard)
      process.off('warning', warned)
    },
  }
}

/** Every way in which somebody would write a thing into a log. */
function textsOf(thing: unknown): string[] {
  const texts = [inspect(thing, { depth: 10, showHidden: true }), String(thing)]
  try {
    texts.push(JSON.stringify(thing) ?? '')
  } catch {
    // What cannot be written tells nothing.
  }
  for (let error = thing; error instanceof Error; error = error.cause)
    texts.push(error.message, String(error.stack), JSON.stringify(Object.entries(error)))
  return texts
}
