/**
 * Lets methods be taken off their object, as in `const { append } = memory`. Each is bound where it
 * is asked for: an object costs nothing for the methods that nobody uses.
 */
export function detachable(made: { readonly prototype: object }): void {
  const { prototype } = made
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (name === 'constructor' || typeof value !== 'function') continue
    Object.defineProperty(prototype, name, {
      configurable: true,
      get() {
        return value.bind(this)
      },
    })
  }
}
