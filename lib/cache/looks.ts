import { nextTick } from 'node:process'
import type { Deadline } from '../deadline.ts'
import { isAway } from '../errors.ts'
import type { Entries, FoundEntry } from '../ports/entries.ts'
import { placeName } from './decoded.ts'
import type { Entry, Place } from './entry.ts'
import { underWay } from './invalidations.ts'
import { purgesOf } from './purges.ts'

/** What stands under one variant, and the purges of the marks that were asked for with it. */
export interface Seen {
  readonly variant: string
  readonly found: FoundEntry
  readonly asked: readonly string[]
  /** Several have looked at once: its bytes are nobody's alone. */
  readonly shared: boolean
  /** The entry, once one of them has read it. */
  entry: Entry | undefined
}

/** A look that others may still join. */
interface Look {
  readonly asked: readonly string[]
  readonly began: number
  readonly seeing: Promise<Seen>
  shared: boolean
}

/** Who looks; how long that may take is asked where the store is, or has failed. */
interface Looking {
  readonly deadline: Deadline
}

/** Looks at a place, with these marks. */
export type LookAt = (place: Place, asked: readonly string[], who: Looking) => Promise<Seen>

/**
 * Looks into a store. Who looks for the same in the same moment, before the event loop goes on, gets
 * the same reply: a hot answer is read once for all who have come together for it. Nobody gets what
 * was read for one who came before a purge that he has seen.
 */
export function looksInto(entries: Entries): LookAt {
  let open: Map<string, Look> | undefined
  const { times } = purgesOf({ entries })

  function begin({ key, variant }: Place, asked: readonly string[], deadline: Deadline): Look {
    const find = () => entries.find(key, variant, asked, { deadline })
    const finding = underWay(entries, asked)?.then(find) ?? find()
    const look: Look = {
      ...{ asked, began: performance.now(), shared: false },
      seeing: finding.then((found) => {
        return { variant, found, asked, shared: look.shared, entry: undefined }
      }),
    }
    return look
  }

  function join(look: Look, who: Looking): Promise<Seen> {
    look.shared = true
    return look.seeing.catch((error: unknown) => {
      // The call was the first one's, and so was its waiting.
      if (isAway(error)) who.deadline.failed(look.began)
      throw error
    })
  }

  /** Another map each time: one that is emptied holds on to all that was in it. See `Bag`. */
  function beginMoment(): Map<string, Look> {
    nextTick(() => {
      open = undefined
    })
    open = new Map()
    return open
  }

  return (place, asked, who) => {
    const name = placeName(place)
    const before = open?.get(name)
    if (before && isSame(before.asked, asked) && !times.isPast(asked, before.began))
      return join(before, who)
    const look = begin(place, asked, who.deadline)
    const moment = open ?? beginMoment()
    moment.set(name, look)
    // What has been seen may have been replaced since, also in the same moment.
    const close = () => void (moment.get(name) === look && moment.delete(name))
    look.seeing.then(close, close)
    return look.seeing
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return (
    one === other || (one.length === other.length && one.every((mark, at) => mark === other[at]))
  )
}
