import type { Store } from 'memoryware'
import { after, before, describe } from 'mocha'
import { bothProviders } from '../support/stores.ts'

/** Says the same of a sample on both providers; `store()` gives a store with nothing in it. */
export function onEachProvider(
  sample: string,
  say: (provider: { readonly store: () => Promise<Store>; readonly name: string }) => void,
): void {
  for (const stores of bothProviders()) {
    describe(`the sample ${sample}, ${stores.name}`, () => {
      before(() => stores.start())
      after(() => stores.stop())
      say({ store: () => stores.empty(), name: stores.name })
    })
  }
}
