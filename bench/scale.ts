import { measureCluster } from './cluster.ts'
import { measureConnections } from './connections.ts'
import type { Bed, Finding } from './finding.ts'
import { measureFootprint } from './footprint.ts'
import { measureIdle } from './idle.ts'
import { measureInstall } from './install.ts'
import { measureKeys } from './keys.ts'
import { measureProcesses } from './processes.ts'
import { type ScaleGroup, scaleGroups } from './scale-groups.ts'
import { measureScaling } from './scaling.ts'

const parts: Readonly<Record<ScaleGroup, (bed: Bed) => Promise<Finding>>> = {
  connections: measureConnections,
  processes: measureProcesses,
  cluster: measureCluster,
  idle: measureIdle,
  keys: measureKeys,
  footprint: measureFootprint,
  install: measureInstall,
  scaling: measureScaling,
}

/** Runs those that are asked for, and hands on what each has found as soon as it has. */
export async function measureScale(
  groups: readonly string[],
  bed: Bed,
  tell: (finding: Finding) => void,
): Promise<Readonly<Partial<Record<ScaleGroup, unknown>>>> {
  const figures: Partial<Record<ScaleGroup, unknown>> = {}
  for (const group of scaleGroups) {
    if (!groups.includes(group)) continue
    const finding = await parts[group](bed)
    figures[group] = finding.figures
    tell(finding)
  }
  return figures
}
