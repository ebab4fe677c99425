import { Bag, type InBag } from '../bag.ts'
import { turnChannel } from '../keys.ts'
import type { Turns } from '../ports/turns.ts'
import { publish } from '../telemetry.ts'
import { type AnswerLog, createAnswerLog } from './answer-log.ts'
import { createFollowers, type Followers } from './followers.ts'
import { createWaitingLines, type WaitingLines } from './waiting-lines.ts'

/** This process, as one that answers and follows the turns of a store. */
export interface Runner {
  /** Where it hears of stops. */
  readonly channel: string
  readonly log: AnswerLog
  readonly followers: Followers
  readonly lines: WaitingLines
  /** Calls `stop` when the turn with this token is to stop, until the function given back is called. */
  answers(token: string, stop: () => void): () => void
  close(): Promise<void>
}

// All mounts on one store share it.
const known = new WeakMap<Turns, Runner>()

/** What this process has of its own for the turns of a store. */
export function runnerOf(turns: Turns): Runner {
  const runner = known.get(turns) ?? createRunner(turns)
  known.set(turns, runner)
  return runner
}

/** Ends timers and subscriptions for a store that is about to close. */
export async function closeRunner(turns: Turns): Promise<void> {
  await known.get(turns)?.close()
}

/** A turn that this process answers. */
interface Answered extends InBag {
  readonly token: string
  readonly stop: () => void
}

function createRunner(turns: Turns): Runner {
  const channel = turnChannel(crypto.randomUUID())
  const log = createAnswerLog(turns)
  const followers = createFollowers(turns)
  const answered = new Bag<Answered>()
  let leave: Promise<(() => Promise<void>) | undefined> | undefined

  /** Nobody waits for it: what is missed meanwhile, the next renewal of a lease hears of. */
  function listen(): void {
    leave ??= turns
      .onStop(channel, (token) => {
        for (const each of answered.filter((one) => one.token === token)) each.stop()
      })
      .catch((error: unknown) => {
        publish('error', () => ({ during: 'turn', error }))
        leave = undefined
        return undefined
      })
  }

  return {
    channel,
    log,
    followers,
    lines: createWaitingLines(),
    answers(token, stop) {
      listen()
      const turn: Answered = { token, stop, place: -1 }
      answered.add(turn)
      return () => answered.delete(turn)
    },
    async close() {
      await log.close()
      followers.close()
      const end = await leave
      await end?.().catch(() => {})
    },
  }
}
