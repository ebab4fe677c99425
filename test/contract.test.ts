import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { type OptionalPort, storeContract } from '../contract/store-contract.ts'
import { embeddedProvider, type Provider } from '../lib/index.ts'
import { budgetsMutants } from './mutants/budgets.ts'
import { amendingMutants, changesMutants } from './mutants/changes.ts'
import { cutsMutants, ownersMutants } from './mutants/cuts.ts'
import { entriesMutants } from './mutants/entries.ts'
import { fieldsMutants } from './mutants/fields.ts'
import { claimMutants, piecesMutants, waitMutants } from './mutants/fills.ts'
import { keptMutants } from './mutants/fills-kept.ts'
import { historyMutants } from './mutants/history.ts'
import { holdingMutants } from './mutants/holding.ts'
import type { Mutant } from './mutants/mutant.ts'
import { busMutants, inspectionMutants } from './mutants/optional.ts'
import { pageMutants } from './mutants/pages.ts'
import { amendingEntriesMutants, purgesMutants } from './mutants/purges.ts'
import { restMutants } from './mutants/rest.ts'
import { settlingMutants } from './mutants/settling.ts'
import { timesMutants } from './mutants/times.ts'
import { answerMutants, beginMutants, watchMutants } from './mutants/turns.ts'
import { turnsDroppedMutants } from './mutants/turns-dropped.ts'
import { valuesMutants } from './mutants/values.ts'
import { factsOf } from './support/facts.ts'

const mutants: readonly Mutant[] = [
  ...valuesMutants,
  ...timesMutants,
  ...restMutants,
  ...historyMutants,
  ...pageMutants,
  ...beginMutants,
  ...answerMutants,
  ...watchMutants,
  ...amendingMutants,
  ...changesMutants,
  ...cutsMutants,
  ...ownersMutants,
  ...fieldsMutants,
  ...turnsDroppedMutants,
  ...budgetsMutants,
  ...settlingMutants,
  ...holdingMutants,
  ...entriesMutants,
  ...purgesMutants,
  ...amendingEntriesMutants,
  ...claimMutants,
  ...waitMutants,
  ...piecesMutants,
  ...keptMutants,
  ...inspectionMutants,
  ...busMutants,
]

describe('the store contract', () => {
  it('holds of a sound provider', async function () {
    this.timeout(60_000)
    assert.deepEqual(await failing(embeddedProvider), [])
  })

  for (const { fault, change, caughtBy } of mutants)
    it(`catches a provider that ${fault}`, async () => {
      const mutant = () => {
        const sound = embeddedProvider()
        return { ...sound, ...change(sound) }
      }
      assert.deepEqual(await failing(mutant, caughtBy), caughtBy)
    })

  it('opens one provider, with its first fact, and closes it with its last', async () => {
    const events: string[] = []
    const facts = factsOf(() => {
      events.push('opened')
      const provider = embeddedProvider()
      return { ...provider, close: async () => void events.push('closed') }
    })
    assert.deepEqual(events, [])
    for (const { prove } of [...facts.slice(0, 3), ...facts.slice(-3)]) await prove()
    assert.deepEqual(events, ['opened', 'closed', 'closed'])
    await facts[0]?.prove()
    assert.deepEqual(events.slice(3), ['opened'])
  })

  it('fails each fact with what kept the provider from being made', async () => {
    const reason = new Error('no server')
    const facts = factsOf(() => Promise.reject(reason))
    for (const { prove } of facts) await assert.rejects(prove, reason)
  })

  it('leaves out the ports that a provider is without', async () => {
    const paths = (without: readonly OptionalPort[]) =>
      factsOf(embeddedProvider, { without }).map(({ path }) => path)
    const all = paths([])
    const some = paths(['inspection', 'bus'])
    const left = all.filter((path) => !some.includes(path))
    assert.deepEqual(
      [...new Set(left.map((path) => path.split(' › ')[0]))],
      ['a look inside', 'messages', 'messages that are not for everybody'],
    )
  })

  for (const [fault, options, message] of [
    [
      'a misspelt option',
      { crate: embeddedProvider },
      /`storeContract.crate` must be one of name,/,
    ],
    ['no name', { name: undefined }, /`name` must be text, got undefined/],
    [
      'a provider for what makes one',
      { create: embeddedProvider() },
      /`create` must be a function/,
    ],
    ['a port that cannot be left out', { without: ['history'] }, /`without` must be a list of/],
    ['no runner', { it: undefined }, /`it` must be a function, got undefined/],
  ] as const)
    it(`refuses ${fault}`, () => {
      const right = { name: 'own', create: embeddedProvider, describe, it }
      assert.throws(() => storeContract({ ...right, ...options } as never), message)
    })
})

/** The names of those facts, in the order they were asked for, that do not hold. */
async function failing(create: () => Provider, asked?: readonly string[]): Promise<string[]> {
  const facts = new Map(factsOf(create).map(({ path, prove }) => [path, prove]))
  const failed: string[] = []
  for (const path of asked ?? facts.keys()) {
    const prove = facts.get(path)
    assert.ok(prove, `There is no fact "${path}"`)
    const holds = await prove().then(
      () => true,
      () => false,
    )
    if (!holds) failed.push(path)
  }
  return failed
}
