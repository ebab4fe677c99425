import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Before V8 13 (Node 24) an object whose prototype was replaced gets a hidden class of its own with
 * the first property that is added behind that, as Express does to each request and response. No
 * inline cache has ever seen that class: each property takes a microsecond to read for the first
 * time, and four to add, in all code of the application.
 */
const apart = Number.parseInt(process.versions.v8, 10) < 13

/** Each emitter has it, with nothing in it. What is deleted and put back is the last to be listed. */
const passing = '_maxListeners'

/**
 * Gives a request and its response a hidden class that they share with those before them, where V8
 * does not: to delete a property makes a dictionary of an object, and dictionaries with the same
 * prototype have the same class, but in one process of thirty, where V8 keeps those of requests and of
 * responses in the same place. Nothing else changes with it.
 */
export function giveCommonShape(req: IncomingMessage, res: ServerResponse): void {
  if (!apart || !isReplaced(req)) return
  becomeDictionary(req)
  becomeDictionary(res)
}

/** Whether it has another prototype than it was made with. */
function isReplaced(made: object): boolean {
  return Object.getPrototypeOf(made) !== made.constructor?.prototype
}

function becomeDictionary(emitter: object): void {
  const before = Object.getOwnPropertyDescriptor(emitter, passing)
  if (before && Reflect.deleteProperty(emitter, passing))
    Object.defineProperty(emitter, passing, before)
}
