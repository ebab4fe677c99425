import {
  type Call,
  hasSubstance,
  interruptedText,
  type Line,
  type Piece,
  type Result,
  type Said,
  type Step,
} from './neutral.ts'

/** What a provider asks of the ids of calls. */
export interface IdRules {
  /** Where an id must not occur twice. */
  readonly unique: 'step' | 'window'
  /** Makes an id one that the provider takes. */
  readonly legal: (id: string) => string
}

interface OpenStep {
  readonly kind: 'step'
  readonly lines: Line[]
  readonly results: Result[]
}

interface OpenCalls {
  readonly step: OpenStep
  readonly calls: Call[]
}

/**
 * A conversation in which every call has exactly one result, right behind what the assistant said
 * with it: a late result moves there, a missing one is made up, one without a call or a second one
 * goes. What says and does nothing goes as well.
 */
export function repaired(lines: readonly Line[], ids: IdRules): (Said | Step)[] {
  const pairs = new Pairs(ids)
  for (const line of lines) pairs.add(line)
  return pairs.ended()
}

class Pairs {
  readonly #ids: IdRules
  readonly #parts: (Said | OpenStep)[] = []
  /** Calls without a result so far, by the id they came with. */
  readonly #open = new Map<string, OpenCalls>()
  readonly #missing = new Map<OpenStep, Set<Call>>()
  /** How often an id was used, or is a made up one's. */
  #used = new Map<string, number>()
  #step: OpenStep | undefined

  constructor(ids: IdRules) {
    this.#ids = ids
  }

  add(line: Line): void {
    if (line.role === 'tool') this.#results(line)
    else if (line.role === 'assistant') this.#assistant(line)
    else {
      this.#step = undefined
      this.#parts.push({ kind: 'said', line })
    }
  }

  ended(): (Said | Step)[] {
    for (const open of this.#open.values()) this.#close(open)
    return this.#parts.flatMap((part): readonly (Said | Step)[] => {
      if (part.kind === 'said') return [part]
      return stepOf(completed(part, this.#missing.get(part) ?? new Set()))
    })
  }

  #assistant(line: Line): void {
    const step = this.#step ?? this.#begin()
    const pieces = line.pieces.map((piece) =>
      piece.kind === 'call' ? this.#called(piece, step) : piece,
    )
    const renamed = pieces.some((piece, at) => piece !== line.pieces[at])
    step.lines.push(renamed ? { ...line, pieces, changed: true } : line)
  }

  #begin(): OpenStep {
    const step: OpenStep = { kind: 'step', lines: [], results: [] }
    if (this.#ids.unique === 'step') this.#used = new Map()
    this.#parts.push(step)
    this.#step = step
    return step
  }

  #called(came: Call, step: OpenStep): Call {
    const id = this.#uniqueId(this.#ids.legal(came.id))
    const call = id === came.id ? came : { ...came, id }
    const open = this.#open.get(came.id)
    if (open?.step === step) open.calls.push(call)
    else {
      // Called again by the same id: what comes now belongs to the new call.
      if (open) this.#close(open)
      this.#open.set(came.id, { step, calls: [call] })
    }
    return call
  }

  #close({ step, calls }: OpenCalls): void {
    const missing = this.#missing.get(step) ?? new Set()
    for (const call of calls) missing.add(call)
    this.#missing.set(step, missing)
  }

  #uniqueId(id: string): string {
    let times = this.#used.get(id) ?? 0
    let free = id
    while (times > 0 && this.#used.has(free)) {
      times += 1
      free = `${id}_${times}`
    }
    this.#used.set(id, Math.max(1, times))
    this.#used.set(free, this.#used.get(free) ?? 1)
    return free
  }

  #results({ pieces }: Line): void {
    let ours = false
    for (const piece of pieces) {
      if (piece.kind !== 'result') continue
      const open = this.#open.get(piece.id)
      const call = open?.calls.shift()
      if (!open || !call) continue
      open.step.results.push({ ...piece, id: call.id })
      ours ||= open.step === this.#step
    }
    if (ours) this.#step = undefined
  }
}

/** Makes up the results that are missing; where that cannot be done, the call goes. */
function completed(step: OpenStep, missing: ReadonlySet<Call>): Step {
  const gone = (piece: Piece) => piece.kind === 'call' && piece.bound && missing.has(piece)
  const lines = step.lines.map((line) =>
    line.pieces.some(gone)
      ? { ...line, pieces: line.pieces.filter((piece) => !gone(piece)), changed: true }
      : line,
  )
  const made = [...missing].filter(({ bound }) => !bound).map(({ id }) => interrupted(id))
  return { kind: 'step', lines, results: [...step.results, ...made] }
}

function interrupted(id: string): Result {
  return { kind: 'result', id, text: interruptedText, error: true }
}

function stepOf({ lines, results }: Step): Step[] {
  const kept = lines.filter(({ pieces }) =>
    pieces.some((piece) => piece.kind === 'reasoning' || hasSubstance(piece)),
  )
  return kept.length > 0 ? [{ kind: 'step', lines: kept, results }] : []
}
