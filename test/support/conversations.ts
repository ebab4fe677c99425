import fc from 'fast-check'
import type { AnyMessage } from '../../lib/index.ts'
import { type Fate, type SaidStep, writers } from './native-writers.ts'
import { type Form, forms } from './validators/faults.ts'

interface MadeCall {
  readonly name: string
  readonly fate: Fate
}

/** What an assistant says at once. */
interface MadeStep {
  readonly reasoning: boolean
  readonly text: string
  readonly calls: readonly MadeCall[]
  /** Its format in a mixed conversation. */
  readonly form: Form
}

/** What users and the application say, and the steps of the answer. */
interface MadeTurn {
  readonly system: boolean
  readonly questions: number
  readonly file: boolean
  readonly form: Form
  readonly steps: readonly MadeStep[]
  readonly cut: 'interrupted' | 'aborted' | undefined
}

/** What goes wrong on the way into the store. */
interface Mishap {
  readonly kind: 'lost' | 'repeated' | 'swapped'
  readonly at: number
}

/** A conversation that is made up, and what goes wrong with it. */
export interface Made {
  readonly turns: readonly MadeTurn[]
  readonly mishaps: readonly Mishap[]
  /** Calls of different steps have the same ids, as some servers of local models give them. */
  readonly sameIds: boolean
}

const form = fc.constantFrom(...forms)

function steps(fates: readonly Fate[]): fc.Arbitrary<MadeStep> {
  const call = fc.record({
    name: fc.constantFrom('search', 'read.page', 'add'),
    fate: fc.constantFrom(...fates),
  })
  return fc.record({
    reasoning: fc.boolean(),
    text: fc.constantFrom('', 'so be it', 'zwölf 🙂'),
    calls: fc.array(call, { maxLength: 3 }),
    form,
  })
}

/** Conversations of every kind, with all that may go wrong. */
export const conversations: fc.Arbitrary<Made> = fc.record({
  turns: fc.array(
    fc.record({
      system: fc.nat(9).map((n) => n === 0),
      questions: fc.constantFrom(1, 1, 1, 2, 3, 0),
      file: fc.nat(9).map((n) => n === 0),
      form,
      steps: fc.array(steps(['answered', 'answered', 'answered', 'failed', 'missing', 'twice']), {
        maxLength: 4,
      }),
      cut: fc.constantFrom(undefined, undefined, 'interrupted' as const, 'aborted' as const),
    }),
    { maxLength: 8 },
  ),
  mishaps: fc.array(
    fc.record({
      kind: fc.constantFrom('lost' as const, 'repeated' as const, 'swapped' as const),
      at: fc.nat(60),
    }),
    { maxLength: 3 },
  ),
  sameIds: fc.boolean(),
})

/** Something is said in each step, and something called in each but the last. */
function sound({ calls, text, ...step }: MadeStep, last: boolean): MadeStep {
  const called = calls.length > 0 ? calls : [{ name: 'add', fate: 'answered' } as const]
  return { ...step, text: text || 'well', calls: last ? [] : called }
}

/** Conversations in which nothing goes wrong. */
export const soundConversations: fc.Arbitrary<Made> = fc.record({
  turns: fc.array(
    fc.record({
      system: fc.constant(false),
      questions: fc.constant(1),
      file: fc.nat(3).map((n) => n === 0),
      form,
      steps: fc
        .array(steps(['answered', 'failed']), { minLength: 1, maxLength: 4 })
        .map((all) => all.map((step, at) => sound(step, at === all.length - 1))),
      cut: fc.constant(undefined),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  mishaps: fc.constant([]),
  sameIds: fc.constant(false),
})

/** The messages of a conversation in one format, or each in its own. Questions are `q0`, `q1`… */
export function messagesOf(made: Made, format: Form | 'mixed'): AnyMessage[] {
  let count = 0
  let calls = 0
  const messages = made.turns.flatMap((turn, at) => {
    const speak = writers[format === 'mixed' ? turn.form : format]
    const system = turn.system ? [speak.system(`rule ${at}`)] : []
    const questions = Array.from({ length: turn.questions }, () => {
      count += 1
      return speak.user(`q${count - 1}`, `u${count}`, turn.file)
    })
    const answers = mergedSteps(turn, format).flatMap(([each, parts]) =>
      writers[each].answer(
        parts.map((step, n): SaidStep => {
          if (made.sameIds) calls = 0
          return {
            text: step.text,
            reasoning: step.reasoning ? `thought ${at}` : undefined,
            id: `a${at}-${turn.steps.indexOf(step)}-${n}`,
            calls: step.calls.map((call) => {
              calls += 1
              return { ...call, id: `call_${calls}` }
            }),
            cut: step === turn.steps.at(-1) ? turn.cut : undefined,
          }
        }),
      ),
    )
    return [...system, ...questions, ...answers]
  })
  return made.mishaps.reduce(spoilt, messages)
}

/** Steps in a row of the same format: the AI SDK has them in one message. */
function mergedSteps(turn: MadeTurn, format: Form | 'mixed'): [Form, MadeStep[]][] {
  const runs: [Form, MadeStep[]][] = []
  for (const step of turn.steps) {
    const each = format === 'mixed' ? step.form : format
    const run = runs.at(-1)
    if (run?.[0] === each) run[1].push(step)
    else runs.push([each, [step]])
  }
  return runs
}

function spoilt(messages: AnyMessage[], { kind, at }: Mishap): AnyMessage[] {
  const place = messages.length === 0 ? 0 : at % messages.length
  const [message, next] = messages.slice(place, place + 2)
  if (message === undefined) return messages
  if (kind === 'lost') return messages.toSpliced(place, 1)
  if (kind === 'repeated') return messages.toSpliced(place, 0, { ...message, id: `again-${at}` })
  return next ? messages.toSpliced(place, 2, next, message) : messages
}
