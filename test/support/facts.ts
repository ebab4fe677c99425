import { type StoreContractOptions, storeContract } from '../../contract/store-contract.ts'
import type { Provider } from '../../lib/index.ts'

/** A fact of the store contract, by the groups it stands in and its name. */
export interface Fact {
  readonly path: string
  /** Rejects when the fact does not hold. */
  prove(): Promise<void>
}

/** The facts that the contract states of a provider, for a test to prove one by one. */
export function factsOf(
  create: () => Provider | Promise<Provider>,
  { without = [] }: Pick<StoreContractOptions, 'without'> = {},
): Fact[] {
  const facts: Fact[] = []
  const groups: string[] = []
  storeContract({
    name: 'collected',
    create,
    without,
    describe(name, define) {
      groups.push(name)
      define()
      groups.pop()
    },
    it(name, prove) {
      facts.push({ path: [...groups.slice(1), name].join(' › '), prove })
    },
  })
  return facts
}
