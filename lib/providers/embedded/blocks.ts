import type { Blocking } from '../../ports/budgets.ts'
import type { BlockCell, Kept } from './tally.ts'

const dayMs = 86_400_000

// Its five numbers; the shelf counts the cell. Measured on Node 20.
const cellBytes = 40

const none: BlockCell = {
  kind: 'block',
  bytes: cellBytes,
  blockedUntil: 0,
  lastMs: 0,
  forgottenAt: 0,
  refusals: 0,
  countedUntil: 0,
}

/** Blocks from now on; refusals and earlier blocks stay as they are. */
export function blocked(cell: BlockCell | undefined, forMs: number, at: number): Kept<BlockCell> {
  return kept({ ...(cell ?? none), blockedUntil: at + forMs })
}

/**
 * Counts one refusal more, the first of which opens a window; the last that is allowed blocks.
 * `undefined` where refusals do not count.
 */
export function refused(
  cell: BlockCell = none,
  { after, forMs = 0, doubles = false }: Blocking,
  { windowMs, at }: { windowMs: number; at: number },
): Kept<BlockCell> | undefined {
  if (after === undefined) return undefined
  const goesOn = cell.countedUntil > at
  const refusals = (goesOn ? cell.refusals : 0) + 1
  const countedUntil = goesOn ? cell.countedUntil : at + windowMs
  if (refusals < after) return kept({ ...cell, refusals, countedUntil })
  const again = doubles && cell.forgottenAt > at
  const lastMs = again ? Math.min(2 * cell.lastMs, Math.max(dayMs, forMs)) : forMs
  const blockedUntil = at + lastMs
  // Remembered for as long again as it lasts, and no longer than it is needed.
  const forgottenAt = doubles ? blockedUntil + lastMs : 0
  return kept({ ...none, blockedUntil, lastMs, forgottenAt })
}

function kept(cell: BlockCell): Kept<BlockCell> {
  return { cell, endsAt: Math.max(cell.blockedUntil, cell.forgottenAt, cell.countedUntil) }
}
