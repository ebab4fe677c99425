import { parseArgs } from 'node:util'
import { scaleGroups } from './scale-groups.ts'
import type { StreamsSize } from './streams.ts'

/** The parts of a run. */
const groups = [
  'limits',
  'cache',
  'bodies',
  'chat',
  'all',
  'distance',
  'growth',
  'size',
  'streams',
  'sharing',
  'flood',
  'scan',
  ...scaleGroups,
] as const

/** One part of a run. */
export type Group = (typeof groups)[number]

/** What a run does. */
export interface Flags {
  /** What takes long is left out where it only gives figures. */
  readonly short: boolean
  readonly groups: readonly Group[]
  readonly rounds: number
  /** How long each stack is measured in each round. */
  readonly seconds: number
  /** How many keys the scan deletes. */
  readonly scanKeys: number
  /** How many streams are followed, and how long each time. */
  readonly streams: StreamsSize
  /** How many messages are stored where a conversation grows. */
  readonly lengths: readonly number[]
  /** How many URLs a flood asks for. */
  readonly floodUrls: number
  /** The run fails where memoryware is behind a peer, or far from what is wanted. */
  readonly strict: boolean
  /** Where the figures go as JSON. */
  readonly json: string | undefined
}

const full = {
  rounds: 9,
  seconds: 3,
  scanKeys: 1_000_000,
  floodUrls: 20_000,
  lengths: [20, 200, 2000, 20_000],
  streams: { streams: 1000, seconds: 10 },
}
const short = {
  rounds: 1,
  seconds: 1,
  scanKeys: 50_000,
  floodUrls: 8_000,
  lengths: [20, 200],
  streams: { streams: 1000, seconds: 2 },
}

/** Reads the command line. @throws Error for a flag that is not known, or a value that is none. */
export function readFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      short: { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'string' },
    },
  })
  const usual = values.short ? short : full
  return {
    short: values.short,
    strict: values.strict,
    groups: values.only === undefined ? groups : [groupOf(values.only)],
    rounds: countOf('rounds', values.rounds) ?? usual.rounds,
    seconds: countOf('seconds', values.seconds) ?? usual.seconds,
    scanKeys: usual.scanKeys,
    floodUrls: usual.floodUrls,
    streams: usual.streams,
    lengths: usual.lengths,
    json: values.json,
  }
}

function groupOf(only: string): Group {
  const group = groups.find((each) => each === only)
  if (group) return group
  throw new Error(`--only must be one of ${groups.join(', ')}, got ${only}`)
}

function countOf(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (/^[1-9]\d{0,3}$/.test(value)) return Number(value)
  throw new Error(`--${flag} must be a whole number from 1 to 9999, got ${value}`)
}
