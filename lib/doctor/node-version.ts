import { failure, ok, type Verdict } from './finding.ts'

/** Whether this package runs on a version of Node, such as `20.19.0`. */
export function nodeVersion(version: string): Verdict {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const supported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22
  if (supported) return ok(`Node ${version} is supported.`)
  return failure(
    `Node ${version} is not supported.`,
    'Install Node 20.19 or newer of 20, 22.12 or newer of 22, or a later one.',
  )
}
