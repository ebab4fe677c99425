import type { ConnectionFacts } from '../ports/checkup.ts'
import { ok, type Verdict, warning } from './finding.ts'

/** Whether a client notices that Redis does not answer any more. */
export function clientTimeouts({
  handedIn,
  socketTimeout,
}: Pick<ConnectionFacts, 'handedIn' | 'socketTimeout'>): Verdict {
  const whose = handedIn ? 'The Redis client handed in' : 'The client'
  if (socketTimeout !== undefined)
    return ok(`${whose} gives a silent connection up after ${socketTimeout} ms.`)
  return warning(
    `${whose} has no socketTimeout: while Redis does not answer, commands pile up in it.`,
    'Make it with `socketTimeout: 1000`, or let `createStore({ url })` make one.',
  )
}
