import type { Asked, ServerRights } from '../ports/checkup.ts'
import { failure, ok, unknown, type Verdict } from './finding.ts'
import type { NeededRight } from './needed-rights.ts'

/** Which rights the user lacks; `answers` are those to all commands of all rights, in their order. */
export function rights(
  user: string,
  needed: readonly NeededRight[],
  answers: Asked<readonly ServerRights[]>,
): Verdict {
  if ('why' in answers) {
    if (!/^NOPERM/.test(answers.why)) return unknown(`Rights cannot be asked: ${answers.why}.`)
    return lacking(user, ['+eval', '+evalsha'], 'at least ')
  }
  const all = answers.value.flatMap(({ allowed }) => missing(needed, allowed))
  if (all.includes(undefined)) return unknown('The server cannot be asked for rights.')
  const rules = [...new Set(all.filter((rule) => rule !== undefined))]
  if (rules.length > 0) return lacking(user, rules, '')
  return ok(`The user ${user} may do all that is needed.`)
}

function lacking(user: string, rules: readonly string[], least: string): Verdict {
  return failure(
    `The user ${user} may not do all that is needed: it lacks ${least}${rules.join(' ')}.`,
    `Send to every server, and save it: ACL SETUSER ${user} ${rules.join(' ')}`,
  )
}

/** The rules of what is not allowed; `undefined` where the server does not say. */
function missing(
  needed: readonly NeededRight[],
  allowed: ServerRights['allowed'],
): readonly (string | undefined)[] {
  let at = 0
  return needed.flatMap(({ rule, commands }) => {
    const own = allowed.slice(at, at + commands.length)
    at += commands.length
    if (own.includes(true)) return []
    return own.includes(false) ? [rule] : [undefined]
  })
}
