import type { Provider } from '../lib/ports/provider.ts'

/** Puts facts into a group, as `describe` of node:test, Mocha, Jest and Vitest does. */
export type Describe = (name: string, define: () => void) => unknown

/** Registers one fact and what proves it, as `it` of node:test, Mocha, Jest and Vitest does. */
export type It = (fact: string, prove: () => Promise<void>) => unknown

/** The provider under test, while a fact is being proved. */
export type Opened = () => Provider

/** What facts are stated with. */
export interface Suite {
  readonly open: Opened
  readonly describe: Describe
  readonly it: It
}

/** A suite that can let go of the provider it opened. */
export interface OpenSuite extends Suite {
  /** Forgets the provider: the next fact, should there be one, opens another. */
  forget(): void
}

/** How a suite comes by its provider and its runner. */
export interface SuiteParts {
  readonly create: () => Provider | Promise<Provider>
  readonly describe: Describe
  readonly it: It
}

/**
 * A suite whose first fact opens the provider.
 *
 * Hooks differ from runner to runner, facts do not: a runner that leaves some out, or shuffles
 * them, still finds the provider open.
 */
export function suiteOf({ create, describe, it }: SuiteParts): OpenSuite {
  let opening: Promise<Provider> | undefined
  let provider: Provider | undefined

  return {
    describe,
    it: (fact, prove) =>
      it(fact, async () => {
        opening ??= Promise.resolve(create())
        provider = await opening
        await prove()
      }),
    open() {
      if (provider === undefined) throw new Error('The provider is opened by a fact')
      return provider
    },
    forget() {
      opening = undefined
    },
  }
}
