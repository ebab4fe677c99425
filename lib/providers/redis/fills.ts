import type { Call } from '../../deadline.ts'
import { fillKey, piecesKey } from '../../keys.ts'
import type { FillPlace, Fills, FillView, SeenPlace } from '../../ports/fills.ts'
import { redacted } from '../../redact.ts'
import { fillEnd, tellOfFill } from '../turn-message.ts'
import type { RedisBus } from './bus.ts'
import { variantKey } from './entries.ts'
import type { Client } from './open-client.ts'
import type { Pool } from './pool.ts'
import { marginOf } from './purges.ts'
import { run } from './script.ts'
import { claimFill, type SeenArgs, type SeenKeys } from './scripts/claim-fill.ts'
import { endFill } from './scripts/end-fill.ts'
import { renewFill } from './scripts/renew-fill.ts'
import { writeFill } from './scripts/write-fill.ts'
import { together } from './together.ts'

// Whoever holds the token, and the numbers of pieces, make a second sending harmless.
const again = { again: true }

/** Fills on Redis: who makes an answer in a small HASH, the pieces and the end in a STREAM. */
export function redisFills(pool: Pool, bus: RedisBus): Fills {
  const send = <T>(
    operation: string,
    { key }: FillPlace,
    command: (client: Client) => Promise<T>,
    call: Call | undefined,
  ): Promise<T> => pool.of(key).send(operation, command, again, call)

  return {
    async claim(place, { token, runner, leaseMs, seen }, call) {
      const [fill] = keysOf(place, token)
      const [keys, args] = seenBy(place, seen)
      const command = (client: Client) =>
        run(client, claimFill, [fill, ...keys], [token, runner, leaseMs, ...args])
      const claimed = await send('claim', place, command, call)
      return { ...claimed, since: claimed.since - marginOf(pool) }
    },
    renew(place, token, leaseMs, call) {
      const command = (client: Client) =>
        run(client, renewFill, keysOf(place, token), [token, leaseMs])
      return send('renew', place, command, call)
    },
    write(place, token, { last, bytes }, leaseMs, call) {
      const batch = redacted(bytes)
      const command = (client: Client) =>
        run(client, writeFill, keysOf(place, token), [token, leaseMs, last, batch])
      return send('write', place, command, call)
    },
    end(place, token, how, { keepMs, aloneMs }, call) {
      const command = (client: Client) =>
        run(client, endFill, keysOf(place, token), [token, how, keepMs, aloneMs])
      return send('end', place, command, call)
    },
    async look(place, token, after, call) {
      const [fill, pieces] = keysOf(place, token)
      const read = (client: Client) =>
        together(client, [
          ['hmget', fill, 'token', 'how'],
          // A batch's id is its last piece and 0.
          ['xrangeBuffer', pieces, `${after}-1`, '+'],
        ])
      const [held, kept] = (await send('look', place, read, call)) as [Held, Kept[]]
      return viewOf(token, held, kept)
    },
    watch(place, token, listener, call) {
      const channel = pool.prefix + piecesKey(place.key, token)
      return bus.subscribe(channel, (message) => tellOfFill(listener, message), call)
    },
    onWatched: (runner, listener, call) =>
      bus.subscribe(runner, (token) => listener(token.toString()), call),
  }
}

function keysOf({ key, variant }: FillPlace, token: string): [fill: string, pieces: string] {
  return [fillKey(key, variant), piecesKey(key, token)]
}

/** Where to look whether another entry stands there by now, and what stood there before. */
function seenBy({ key }: FillPlace, seen: SeenPlace | undefined): readonly [SeenKeys, SeenArgs] {
  if (seen === undefined) return [[], []]
  const { vary, variant, head } = seen
  return [
    [key, variantKey(key, variant)],
    [vary.join(','), redacted(head ?? '')],
  ]
}

type Held = readonly [token: string | null, how: string | null]
type Kept = readonly [id: Buffer, fields: Buffer[]]

/** Where the fill has ended between the two reads, its end stands behind its pieces. */
function viewOf(token: string, [holder, how]: Held, kept: readonly Kept[]): FillView {
  const batches: { last: number; bytes: Buffer }[] = []
  let state: FillView['state'] = 'gone'
  if (holder === token) state = how === null ? 'running' : (fillEnd(how) ?? 'gone')
  for (const [id, [field, bytes = Buffer.alloc(0)]] of kept) {
    if (field?.toString() === 'e') state = fillEnd(bytes.toString()) ?? 'gone'
    else batches.push({ last: Number.parseInt(id.toString(), 10), bytes })
  }
  return { state, batches }
}
