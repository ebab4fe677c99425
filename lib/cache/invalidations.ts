import { nextTick } from 'node:process'
import type { Entries } from '../ports/entries.ts'
import { publish } from '../telemetry.ts'
import { type PurgeStore, purge, purgeStored, tellOthers } from './purge.ts'
import { purgesOf } from './purges.ts'

/** Marks that are purged with one command, and when the store has done it. */
interface Round {
  readonly marks: Set<string>
  readonly done: Promise<void>
}

/** What nobody waits for of the purges of one store. */
interface Invalidations {
  /** It leaves before the event loop goes on. */
  next: Round | undefined
  /** Of each mark the purge that the store was told of last, until it has done it. */
  readonly underWay: Map<string, Promise<void>>
}

const known = new WeakMap<Entries, Invalidations>()

/**
 * Purges what carries one of the marks, and lets nobody wait for it: here at once, and in the store
 * before the event loop goes on. What others who share the store invalidate until then goes with it:
 * a mark that many have changed in the same moment is purged once.
 */
export function invalidate(store: PurgeStore, marks: readonly string[]): void {
  if (marks.length === 0) return
  // Where everything is in this process it is done at once.
  if (store.entries.find.now !== undefined) return void purge(store, marks, false).catch(failed)
  purgesOf(store).tell(marks)
  const own = known.get(store.entries) ?? { next: undefined, underWay: new Map() }
  known.set(store.entries, own)
  own.next ??= nextRound(store, own)
  for (const mark of marks) {
    own.next.marks.add(mark)
    own.underWay.set(mark, own.next.done)
  }
}

/**
 * Ends when the store has done what is on its way to it of the purges of these marks; `undefined`
 * where nothing is. It may have to learn the script first, or be another node than the entries are on:
 * what is asked for afterwards could be answered before.
 */
export function underWay(entries: Entries, marks: readonly string[]): Promise<unknown> | undefined {
  const own = known.get(entries)
  if (own === undefined || own.underWay.size === 0) return undefined
  const found = marks.flatMap((mark) => own.underWay.get(mark) ?? [])
  return found.length === 0 ? undefined : Promise.all(found)
}

function nextRound(store: PurgeStore, own: Invalidations): Round {
  const marks = new Set<string>()
  const done = new Promise<void>((resolve) => {
    nextTick(async () => {
      own.next = undefined
      const all = [...marks]
      try {
        await purgeStored(store, all, false)
      } catch (error) {
        return failed(error)
      } finally {
        for (const mark of all) if (own.underWay.get(mark) === done) own.underWay.delete(mark)
        resolve()
      }
      await tellOthers(store, all)
    })
  })
  return { marks, done }
}

function failed(error: unknown): void {
  publish('error', () => ({ during: 'cache invalidation', error }))
}
