import type { Call } from '../../deadline.ts'
import { type SessionKeys, turnKey } from '../../keys.ts'
import type { Turns, TurnView } from '../../ports/turns.ts'
import { redacted } from '../../redact.ts'
import { tell } from '../turn-message.ts'
import type { RedisBus } from './bus.ts'
import type { Client } from './open-client.ts'
import type { Pool } from './pool.ts'
import { run, runWith } from './script.ts'
import type { WriteKeys } from './scripts/append.ts'
import { begin } from './scripts/begin.ts'
import { end } from './scripts/end.ts'
import { look } from './scripts/look.ts'
import { stop } from './scripts/stop.ts'
import { write } from './scripts/write.ts'
import { messagesStep, newest, readResult, wire, writeBounds, writeKeys } from './session-write.ts'

// Whoever holds the token, and the numbers of pieces, make a second sending harmless. Redis is busy with
// a turn for long: it begins with some while this process makes the others.
const again = { again: true, weight: 2 }

/** Turns on Redis: records in the session's HASH, the pieces of each answer in a STREAM. */
export function redisTurns(pool: Pool, bus: RedisBus): Turns {
  const send = <T>(
    operation: string,
    { index }: SessionKeys,
    command: (client: Client) => Promise<T>,
    call: Call | undefined,
  ): Promise<T> => pool.of(index).send(operation, command, again, call)

  return {
    async begin(keys, question, { token, runner, leaseMs, alone }, bounds, limit, call) {
      const names = turnKeys(keys, question.id)
      const claim = [token, runner, leaseMs, alone ? 1 : 0] as const
      const command = (client: Client) =>
        runWith(
          client,
          begin,
          names,
          [...writeBounds(keys, bounds), ...claim, wire(question)],
          [messagesStep(keys, newest(limit))],
        )
      const { reply, replies } = await send('begin', keys, command, call)
      return { begun: reply.begun, read: readResult([reply.values, ...replies], keys) }
    },

    write(keys, { turn, token }, batch, { leaseMs, keepMs }, call) {
      const names = [keys.session, turnKey(keys, turn)] as const
      const pieces: [] | [number, Buffer] = batch ? [batch.last, redacted(batch.bytes)] : []
      const command = (client: Client) =>
        run(client, write, [...names], [turn, token, leaseMs, keepMs, ...pieces])
      return send('write', keys, command, call)
    },

    end(keys, { turn, token }, answer, bounds, { lapsed, keepMs }, call) {
      const names = turnKeys(keys, turn)
      const how = [turn, token, lapsed ? 1 : 0, keepMs] as const
      const command = (client: Client) =>
        run(client, end, names, [...writeBounds(keys, bounds), ...how, ...answer.map(wire)])
      return send('end', keys, command, call)
    },

    stop: (keys, turn = '', call) =>
      send('stop', keys, (client) => run(client, stop, [keys.session], [turn, keys.seal]), call),

    async look(keys, turn = '', after, watchMs, call) {
      const args = [turn, watchMs, keys.seal] as const
      const command = (client: Client) => run(client, look, [keys.session], [...args])
      const seen = await send('look', keys, command, call)
      if (!seen.record) return { ...seen, batches: [] }
      const pieces = turnKey(keys, seen.record.turn)
      // Not before it is known that those who watch are told: what comes in between comes twice. A
      // batch's id is its last piece and 0.
      const read = (client: Client) => client.xrangeBuffer(pieces, `${after}-1`, '+')
      return { ...seen, batches: batchesOf(await send('look', keys, read, call)) }
    },

    watch(keys, turn, listener, call) {
      const channel = pool.prefix + turnKey(keys, turn)
      return bus.subscribe(channel, (message) => tell(listener, message), call)
    },

    onStop: (runner, listener, call) =>
      bus.subscribe(runner, (token) => listener(token.toString()), call),
  }
}

function turnKeys(keys: SessionKeys, turn: string): [...WriteKeys, pieces: string] {
  return [...writeKeys(keys), turnKey(keys, turn)]
}

function batchesOf(entries: readonly [id: Buffer, fields: Buffer[]][]): TurnView['batches'] {
  return entries.map(([id, [, bytes = Buffer.alloc(0)]]) => ({
    last: Number.parseInt(id.toString(), 10),
    bytes,
  }))
}
