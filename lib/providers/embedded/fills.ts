import { fillKey, piecesKey } from '../../keys.ts'
import type { Claimed, FillClaim, FillPlace, Fills, SeenPlace } from '../../ports/fills.ts'
import type { PubSub } from '../../ports/pub-sub.ts'
import { batchMessage, fillEndMessage, tellOfFill } from '../turn-message.ts'
import type { EntriesShelf } from './entries-shelf.ts'
import { unpack } from './packed.ts'
import type { Purges } from './purges.ts'

/** Fills in this process: who makes an answer, and the pieces of it. */
export function embeddedFills(shelf: EntriesShelf, purges: Purges, bus: PubSub): Fills {
  const { now } = shelf

  /** The fill while the token holds it. */
  function heldBy(operation: string, place: FillPlace, token: string) {
    const held = shelf.fill(operation, fillKey(place.key, place.variant))
    return held?.cell.token === token && held.cell.how === undefined ? held : undefined
  }

  return {
    claim: async (place, claim) => take(shelf, purges, bus, place, claim),

    async renew(place, token, leaseMs) {
      const held = heldBy('renew', place, token)
      if (!held) return 'lost'
      held.expiresAt = now() + leaseMs
      shelf.pieces.end(piecesKey(place.key, token), leaseMs)
      return held.cell.watched ? 'watched' : 'held'
    },

    async write(place, token, batch, leaseMs) {
      const held = heldBy('write', place, token)
      if (!held) return false
      const channel = piecesKey(place.key, token)
      const news = shelf.pieces.keep(channel, batch, leaseMs)
      shelf.pieces.end(channel, leaseMs)
      held.expiresAt = now() + leaseMs
      held.cell.written = true
      if (news) await bus.publish(channel, batchMessage(batch))
      return true
    },

    async end(place, token, how, { keepMs, aloneMs }) {
      const held = heldBy('end', place, token)
      if (!held) return
      const at = fillKey(place.key, place.variant)
      const channel = piecesKey(place.key, token)
      shelf.delete(at)
      if (how === 'refused' && aloneMs > 0)
        shelf.putFill('end', at, { ...held.cell, how }, now() + aloneMs)
      if (!held.cell.watched && !held.cell.written) return
      shelf.pieces.end(channel, keepMs)
      shelf.putOutcome('end', channel, how, now() + keepMs)
      await bus.publish(channel, fillEndMessage(how))
    },

    async look(place, token, after) {
      const fill = shelf.fill('look', fillKey(place.key, place.variant))?.cell
      const channel = piecesKey(place.key, token)
      const batches = shelf.pieces.after(channel, after)
      const own = fill?.token === token ? (fill.how ?? 'running') : 'gone'
      return { state: shelf.outcome('look', channel) ?? own, batches }
    },

    watch: (place, token, listener) =>
      bus.subscribe(piecesKey(place.key, token), (message) => tellOfFill(listener, message)),

    onWatched: (runner, listener) => bus.subscribe(runner, (token) => listener(token.toString())),
  }
}

async function take(
  shelf: EntriesShelf,
  purges: Purges,
  bus: PubSub,
  place: FillPlace,
  { token, runner, leaseMs, seen }: FillClaim,
): Promise<Claimed> {
  const at = fillKey(place.key, place.variant)
  const held = shelf.fill('claim', at)
  if (seen && held?.cell.token !== token && isKept(shelf, place.key, seen))
    return { kind: 'kept', since: purges.clock() }
  const expiresAt = shelf.now() + leaseMs
  if (held === undefined) {
    const since = purges.clock()
    shelf.putFill('claim', at, { token, runner, since, watched: false, written: false }, expiresAt)
    return { kind: 'leading', since }
  }
  const { cell } = held
  if (cell.how !== undefined) return { kind: 'alone', since: purges.clock() }
  if (cell.token === token) {
    // The first reply was lost.
    held.expiresAt = expiresAt
    return { kind: 'leading', since: cell.since }
  }
  if (!cell.watched) {
    cell.watched = true
    await bus.publish(cell.runner, Buffer.from(cell.token))
  }
  return { kind: 'held', token: cell.token, since: cell.since }
}

/** Whether another entry stands there than was seen. */
function isKept(
  shelf: EntriesShelf,
  key: string,
  { vary, variant, head: seen }: SeenPlace,
): boolean {
  const cell = shelf.get('claim', key, 'resource')?.cell
  if (cell === undefined) return false
  if (cell.vary.join() !== vary.join()) return true
  const found = cell.variants.get(variant)
  if (found === undefined || found.expiresAt <= shelf.now()) return false
  return seen === undefined || !unpack(found.head).equals(seen)
}
