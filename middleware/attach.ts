/** Where a helper is kept, and how it is shown. */
interface Helper {
  readonly slot: symbol
  readonly shown: PropertyDescriptor
}

const helpers = new Map<string, Helper>()

/**
 * Puts a helper on a request or context, under a name; it is read anew each time. All share one
 * accessor a name: with one of its own each, V8 would make a dictionary of every request.
 */
export function attach(native: object, name: string, read: () => unknown): void {
  const { slot, shown } = helpers.get(name) ?? helperNamed(name)
  const carrier = native as { [at: symbol]: () => unknown }
  carrier[slot] = read
  Object.defineProperty(native, name, shown)
}

function helperNamed(name: string): Helper {
  const slot = Symbol(`memoryware.${name}`)
  function get(this: { readonly [at: symbol]: () => unknown }): unknown {
    return this[slot]?.()
  }
  const helper = { slot, shown: { get, configurable: true, enumerable: false } }
  helpers.set(name, helper)
  return helper
}
