import { frameworkNames, type Line, labelOf, type RouteReport } from './report.ts'
import { type Ratios, ratios } from './statistics.ts'
import { textTable } from './text-table.ts'
import { bare, bestPeer, type Goal, tolerance, type Wanted, wanted } from './wanted.ts'

/** One of ours beside those that keep things in the same kind of store. */
export interface Verdict {
  readonly route: string
  readonly framework: RouteReport['framework']
  readonly stack: string
  readonly in: Line['in']
  /** The peer that comes nearest, or is furthest ahead; absent where there is none. */
  readonly requests: Comparison | undefined
  readonly cpu: Comparison | undefined
  readonly goals: readonly Reached[]
}

/** Ours relative to one peer's, within each round; the median. */
interface Comparison {
  readonly peer: string
  readonly times: number
  readonly ahead: boolean
}

/** A goal, and what was reached. */
interface Reached extends Goal {
  readonly got: number
  readonly verdict: 'reached' | 'nearly' | 'missed'
}

/** Judges every stack of ours that was timed. */
export function verdicts(
  reports: readonly RouteReport[],
  figures: readonly Wanted[] = wanted,
): readonly Verdict[] {
  return reports.flatMap((report) =>
    report.lines
      .filter(({ ours, aside, slices }) => ours && !aside && slices.length > 0)
      .map((line) => verdictOn(line, report, figures)),
  )
}

function verdictOn(line: Line, report: RouteReport, figures: readonly Wanted[]): Verdict {
  const { title, framework } = report
  const peers = peersOf(line, report)
  const goals = figures
    .filter(
      (each) =>
        each.route === title &&
        each.frameworks.includes(framework) &&
        each.stack === line.stack &&
        each.in === line.in,
    )
    .flatMap((each) => each.goals)
  return {
    route: title,
    framework,
    stack: line.stack,
    in: line.in,
    requests: compared(line, peers, 'req/s'),
    cpu: compared(line, peers, 'cpu'),
    goals: goals.map((goal) => reached(goal, line, report)),
  }
}

function peersOf({ in: place }: Line, { lines }: RouteReport): readonly Line[] {
  return lines.filter((each) => !each.ours && each.stack !== bare && each.in === place)
}

/** Beside the peer that does best: it is ahead of all when it is ahead of that one. */
function compared(line: Line, peers: readonly Line[], what: Goal['what']): Comparison | undefined {
  const all = peers.map((peer) => ({ peer: peer.stack, times: timesOf(line, peer, what) }))
  const better = what === 'req/s' ? 1 : -1
  const [worst] = all.sort((a, b) => better * (a.times - b.times))
  return worst && { ...worst, ahead: better * (worst.times - 1) > 0 }
}

function timesOf({ slices }: Line, other: Line, what: Goal['what']): number {
  const found: Ratios = ratios(slices, other.slices)
  return (what === 'req/s' ? found.perSecond : found.cpu).median
}

function reached(goal: Goal, line: Line, report: RouteReport): Reached {
  const got = gotOf(goal, line, report)
  const share = goal.what === 'req/s' ? got / goal.times : goal.times / got
  const verdict = share >= 1 ? 'reached' : share >= 1 - tolerance ? 'nearly' : 'missed'
  return { ...goal, got, verdict }
}

/** @throws Error for a goal relative to a stack that was not measured. */
function gotOf({ what, of }: Goal, line: Line, report: RouteReport): number {
  if (of === bestPeer) {
    const best = compared(line, peersOf(line, report), what)
    if (best) return best.times
  }
  const other = report.lines.find(
    (each) => each.stack === of && (of === bare || each.in === line.in),
  )
  if (other) return timesOf(line, other, what)
  throw new Error(`${report.title} on ${report.framework}: there is no ${of} to compare with`)
}

/** Sentences about what is behind a peer, or further from its goal than is allowed. */
export function shortcomings(found: readonly Verdict[]): string[] {
  return found.flatMap((verdict) => {
    const where = `${labelOf(verdict)} on ${verdict.framework}, ${verdict.route}`
    const behind = (['requests', 'cpu'] as const).flatMap((what) => {
      const compared = verdict[what]
      if (compared === undefined || compared.ahead) return []
      const figure = what === 'requests' ? 'req/s' : 'cpu'
      return [`${where}: ${compared.times.toFixed(2)} x the ${figure} of ${compared.peer}`]
    })
    const missed = verdict.goals.filter((goal) => goal.verdict === 'missed')
    return [...behind, ...missed.map((goal) => `${where}: ${goalText(goal)}`)]
  })
}

/** The verdicts as text, in the order of the tables. */
export function verdictText(found: readonly Verdict[]): string {
  const tables = [...new Set(found.map(headOf))].map((head) => {
    const rows = found.filter((verdict) => headOf(verdict) === head)
    return [head, textTable(rows.map(cells)), ...rows.flatMap(goalLines)].join('\n')
  })
  const head =
    'Verdict: ours beside the best peer in the same kind of store, by req/s and by cpu, within each round'
  return [head, ...tables].join('\n\n')
}

function headOf({ framework, route }: Verdict): string {
  return `${frameworkNames[framework]}: ${route}`
}

function cells(verdict: Verdict): string[] {
  return [
    `  ${labelOf(verdict)}`,
    ...comparisonCells(verdict.requests),
    ...comparisonCells(verdict.cpu),
  ]
}

function comparisonCells(compared: Comparison | undefined): string[] {
  if (compared === undefined) return ['no peer', '', '']
  const { peer, times, ahead } = compared
  return [ahead ? 'ahead' : 'behind', `${times.toFixed(2)} x`, peer]
}

function goalLines(verdict: Verdict): string[] {
  return verdict.goals.map((goal) => `  ${labelOf(verdict)}: ${goalText(goal)}`)
}

function goalText({ what, times, of, got, verdict }: Reached): string {
  const bound = what === 'req/s' ? '>=' : '<='
  return `wanted ${what} ${bound} ${times} x ${of}, got ${got.toFixed(2)}: ${verdictWords[verdict]}`
}

const verdictWords = { reached: 'reached', nearly: 'missed by up to 10 %', missed: 'missed' }
