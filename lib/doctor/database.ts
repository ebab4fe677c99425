import type { Asked, ConnectionFacts, KeySample } from '../ports/checkup.ts'
import { ok, type Verdict, warning } from './finding.ts'
import { kindOf } from './key-kind.ts'

/** Which database is used, and whether another program's keys are in the way. */
export function database(
  { kind, db }: Pick<ConnectionFacts, 'kind' | 'db'>,
  sample: Asked<KeySample>,
): Verdict {
  const which = kind === 'cluster' ? 'The only database of the Cluster' : `Database ${db}`
  if ('why' in sample) return ok(`${which}; who else uses it was not looked at.`)
  const { looked, found } = sample.value
  const strangers = found.filter(({ key }) => kindOf(key) === undefined).length
  if (strangers > 0)
    return warning(
      `${which}: ${strangers} of ${looked} keys looked at start like memoryware's and are another program's.`,
      "Give the store a prefix of its own, createStore({ prefix: 'app:' }), or another database.",
    )
  return ok(`${which}: ${found.length} of ${looked} keys looked at are memoryware's.`)
}
