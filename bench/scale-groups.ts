/** Parts of a run that say how figures change with the size of something, in their order. */
export const scaleGroups = [
  'connections',
  'processes',
  'cluster',
  'idle',
  'keys',
  'footprint',
  'install',
  'scaling',
] as const

/** The name of one of them. */
export type ScaleGroup = (typeof scaleGroups)[number]
