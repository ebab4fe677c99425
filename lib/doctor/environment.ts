import { configFromEnv, decidedBy, type Environment, type EnvironmentConfig } from '../config.ts'
import { EnvironmentError } from '../errors.ts'
import { failure, ok, type Verdict, warning } from './finding.ts'

/** Whether the environment is in order, and what it says. */
export function environment(variables?: Environment): {
  readonly verdict: Verdict
  readonly config?: EnvironmentConfig
} {
  try {
    const config = configFromEnv(variables)
    return { verdict: choice(config, decidedBy(variables)), config }
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error
    const verdict = failure(`${error.message}.`, `Correct \`${error.variable}\`, or unset it.`)
    return { verdict }
  }
}

function choice({ provider, chosen }: EnvironmentConfig, names: readonly string[]): Verdict {
  const list = names.join(', ')
  if (provider === 'redis' && names.length > 0) return ok(`${list} say${s(names)} where Redis is.`)
  if (provider === 'redis')
    return ok('MEMORY_PROVIDER is redis and nothing says where: localhost:6379 is used.')
  if (chosen && names.length === 0)
    return ok('MEMORY_PROVIDER is embedded: everything is kept in each process, lost when it ends.')
  if (chosen)
    return warning(
      `MEMORY_PROVIDER is embedded, so that ${list} ${names.length === 1 ? 'is' : 'are'} not used.`,
      'Unset `MEMORY_PROVIDER` to use Redis.',
    )
  return warning(
    'Nothing says where Redis is: everything is kept in each process, lost when it ends.',
    'Set `REDIS_URL`, or `MEMORY_PROVIDER=embedded` where that is meant.',
  )
}

function s(names: readonly string[]): string {
  return names.length === 1 ? 's' : ''
}
