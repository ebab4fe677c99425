import { publish } from './telemetry.ts'

const given = new Set<string>()

/**
 * Says something to the operator, once a process: through `process.emitWarning` with a code, and on
 * the diagnostics channel `memoryware:notice`.
 */
export function notice(code: string, message: string): void {
  const fact = `${code} ${message}`
  if (given.has(fact)) return
  given.add(fact)
  publish('notice', () => ({ code, message }))
  process.emitWarning(message, { type: 'MemorywareNotice', code })
}
