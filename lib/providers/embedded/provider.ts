import { checkNames, wholeNumber } from '../../options.ts'
import type { Provider } from '../../ports/provider.ts'
import { embeddedBudgets } from './budgets.ts'
import { embeddedBus } from './bus.ts'
import { embeddedEntries } from './entries.ts'
import { createEntriesShelf } from './entries-shelf.ts'
import { embeddedFields } from './fields.ts'
import { embeddedFills } from './fills.ts'
import { fineClock } from './fine-clock.ts'
import { embeddedHistory } from './history.ts'
import { embeddedInspection } from './inspect.ts'
import { embeddedKeyValue } from './key-value.ts'
import { createKeyspace } from './keyspace.ts'
import { createPurges } from './purges.ts'
import { createSessionShelf } from './session-shelf.ts'
import { createTombs } from './tombs.ts'
import { embeddedTurns } from './turns.ts'

/** How much this process keeps. */
export interface EmbeddedOptions {
  /**
   * Keys of all kinds together, from 8 up.
   *
   * @default 100_000
   */
  readonly maxEntries?: number | undefined
  /**
   * Bytes of all kinds together, estimated, from 65,536 up.
   *
   * @default 67_108_864 (64 MiB)
   */
  readonly maxBytes?: number | undefined
  /**
   * Milliseconds since 1970.
   *
   * @default Date.now
   */
  readonly now?: (() => number) | undefined
}

const eighths = {
  values: { entries: 2, bytes: 2 },
  sessions: { entries: 2, bytes: 3 },
  budgets: { entries: 3, bytes: 1 },
  entries: { entries: 1, bytes: 2 },
}

/**
 * Keeps everything in this process: nothing is shared with others, and nothing outlives it.
 *
 * Values, conversations, budgets and cached responses each have a share of their own, so that a
 * flood of one never pushes out another: 2, 2, 3 and 1 eighths of `maxEntries`, 2, 3, 1 and 2
 * eighths of `maxBytes`. Budgets also take what the others leave, until these need it: a store that
 * only limits may use all it is given. A full share drops what was not used for longest, also when it has not
 * expired; what is larger than its share is refused with a `StoreError` of reason `full`. Beside them
 * purges of marks take up to a thirty-second part of `maxBytes`.
 *
 * @throws OptionError for a misspelt option or one out of range.
 */
export function embeddedProvider(options: EmbeddedOptions = {}): Provider {
  checkNames('embedded', options, { maxEntries: true, maxBytes: true, now: true })
  const { maxEntries = 100_000, maxBytes = 64 * 1024 * 1024 } = options
  const { now = Date.now } = options
  wholeNumber('maxEntries', maxEntries, { min: 8, max: 2 ** 24 })
  wholeNumber('maxBytes', maxBytes, { min: 65_536 })
  const share = (kind: keyof typeof eighths) => ({
    entries: Math.floor((maxEntries * eighths[kind].entries) / 8),
    bytes: Math.floor((maxBytes / 8) * eighths[kind].bytes),
  })

  const all = { entries: maxEntries, bytes: maxBytes }
  const keyspace = createKeyspace(now, all)
  const bus = embeddedBus()
  const conversations = {
    sessions: createSessionShelf(keyspace, share('sessions')),
    keyspace,
    tombs: createTombs(now),
  }
  const entries = createEntriesShelf(keyspace, share('entries'))
  const purges = createPurges(now, Math.floor(maxBytes / 32))
  return {
    name: 'embedded',
    ...embeddedKeyValue(keyspace, share('values')),
    history: embeddedHistory(conversations, bus),
    turns: embeddedTurns(conversations, bus),
    fields: embeddedFields(conversations),
    budgets: embeddedBudgets(keyspace, {
      share: share('budgets'),
      reach: all,
      now: options.now ?? fineClock(),
    }),
    entries: embeddedEntries(entries, purges),
    fills: embeddedFills(entries, purges, bus),
    inspection: embeddedInspection(keyspace, { maxBytes }),
    bus,
    async close() {
      bus.close()
      keyspace.clear()
      purges.clear()
    },
  }
}
