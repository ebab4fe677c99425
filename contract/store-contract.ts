import assert from 'node:assert/strict'
import { OptionError } from '../lib/errors.ts'
import { checkNames } from '../lib/options.ts'
import type { Provider } from '../lib/ports/provider.ts'
import { amendingContract } from './amending.ts'
import { budgetsContract } from './budgets.ts'
import { busContract } from './bus.ts'
import { changesContract } from './changes.ts'
import { entriesContract } from './entries.ts'
import { fieldsContract } from './fields.ts'
import { fillsContract } from './fills.ts'
import { fillsKeptContract } from './fills-kept.ts'
import { fillsWatchContract } from './fills-watch.ts'
import { forkingContract } from './forking.ts'
import { historyContract } from './history.ts'
import { inspectionContract } from './inspection.ts'
import { keyValueContract } from './key-value.ts'
import { keyspaceContract } from './keyspace.ts'
import { ownersContract } from './owners.ts'
import { purgesContract } from './purges.ts'
import { rewindingContract } from './rewinding.ts'
import { statesContract } from './states.ts'
import { type Describe, type It, type OpenSuite, type Suite, suiteOf } from './suite.ts'
import { turnsContract } from './turns.ts'
import { turnsDroppedContract } from './turns-dropped.ts'

export type { Describe, It } from './suite.ts'

/** What the contract is to prove, and with which runner. */
export interface StoreContractOptions {
  /** Names the provider in the report. */
  readonly name: string
  /**
   * Makes the provider; called once, by the first fact, and closed by the last. The facts leave keys
   * behind: give it a database or a server of its own.
   */
  readonly create: () => Provider | Promise<Provider>
  /**
   * Ports that the provider does not offer, and the store without them refuses: `info` and the like,
   * `publish` and `subscribe`.
   *
   * @default []
   */
  readonly without?: readonly OptionalPort[]
  /** `describe` of node:test, Mocha, Jest or Vitest. */
  readonly describe: Describe
  /** `it` of the same runner: one test a fact, in order. Some take a second. */
  readonly it: It
}

/** A port that a provider may leave out. */
export type OptionalPort = 'inspection' | 'bus'

const optional: Readonly<Record<OptionalPort, (suite: Suite) => void>> = {
  inspection: inspectionContract,
  bus: busContract,
}

/** What every provider must do. */
const contracts: readonly ((suite: Suite) => void)[] = [
  keyValueContract,
  historyContract,
  amendingContract,
  changesContract,
  rewindingContract,
  forkingContract,
  ownersContract,
  fieldsContract,
  statesContract,
  turnsDroppedContract,
  turnsContract,
  budgetsContract,
  entriesContract,
  purgesContract,
  fillsContract,
  fillsKeptContract,
  fillsWatchContract,
  keyspaceContract,
]

/**
 * States everything a provider must do, one test a fact: a provider that passes them all can be
 * handed to `createStore({ provider })`.
 *
 * @throws OptionError for a wrong or unknown option.
 */
export function storeContract(options: StoreContractOptions): void {
  checkOptions(options)
  const { name, create, describe, it, without = [] } = options
  describe(`provider ${name}`, () => {
    const suite = suiteOf({ create, describe, it })
    for (const contract of contracts) contract(suite)
    for (const [port, contract] of Object.entries(optional)) {
      if (!without.includes(port as OptionalPort)) contract(suite)
    }
    describe('its life', () => life(suite))
  })
}

/** Comes last: it closes the provider. */
function life({ open, it, forget }: OpenSuite): void {
  it('has a name', async () => {
    assert.match(open().name, /^[a-z][a-z0-9-]*$/)
  })

  it('ends once, however often it is closed', async () => {
    const provider = open()
    forget()
    await provider.close()
    await provider.close()
  })
}

function checkOptions(options: StoreContractOptions): void {
  const names = { name: true, create: true, without: true, describe: true, it: true } as const
  checkNames<StoreContractOptions>('storeContract', options, names)
  if (typeof options.name !== 'string') throw new OptionError('name', 'text', options.name)
  const { without = [] } = options
  if (!Array.isArray(without) || without.some((port) => !Object.hasOwn(optional, port)))
    throw new OptionError('without', `a list of ${Object.keys(optional).join(', ')}`, without)
  for (const name of ['create', 'describe', 'it'] as const) {
    if (typeof options[name] !== 'function')
      throw new OptionError(name, 'a function', options[name])
  }
}
