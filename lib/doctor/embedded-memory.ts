import type { NodeInfo } from '../ports/inspection.ts'
import { ok, type Verdict, warning } from './finding.ts'

/** Whether what the embedded provider may keep fits into what this process may use, in bytes. */
export function embeddedMemory(
  { memory: { used, max } }: Pick<NodeInfo, 'memory'>,
  availableBytes: number,
): Verdict {
  const found = `The embedded provider uses ${mebibytes(used)} of ${mebibytes(max)}; this process may use ${mebibytes(availableBytes)}.`
  if (max <= availableBytes / 2) return ok(found)
  return warning(found, 'Lower `createStore({ maxBytes })` to less than half of it.')
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MiB`
}
