import { largest } from './amount.ts'
import { mergeTokens, type Statement, statementOf, type Tokens, totalOf } from './usage.ts'

/** Counts the tokens of all answers a request has asked models for. */
export interface TokenCount {
  /**
   * Takes what carries usage, as `tokensOf` reads it, and gives what all answers came to so far;
   * `undefined` where it carries none. Answers are told apart by their ids, so that telling one again
   * changes nothing; what has no id is of the answer that was told of last.
   */
  take(given: unknown): Tokens | undefined
}

/** Makes a count at nothing. */
export function tokenCount(): TokenCount {
  const answers = new Map<string, Answer>()
  let current = ''

  return {
    take(given) {
      const statement = statementOf(given)
      if (statement === undefined) return undefined
      const { tokens, scope } = statement
      current = statement.answer ?? current
      // All steps together come after each of them, and must not be counted beside them.
      if (scope === 'steps')
        for (const [id, answer] of answers) if (answer.scope === 'step') answers.delete(id)
      answers.set(current, { tokens: mergeTokens(answers.get(current)?.tokens, tokens), scope })
      return [...answers.values()].map((answer) => answer.tokens).reduce(sum)
    },
  }
}

type Answer = Pick<Statement, 'tokens' | 'scope'>

function sum(one: Tokens, other: Tokens): Tokens {
  const input = added(one.input, other.input)
  const output = added(one.output, other.output)
  // Providers that state a total and such that do not have theirs put together.
  const stated = one.total !== undefined || other.total !== undefined
  const total = stated ? added(totalOf(one), totalOf(other)) : undefined
  return {
    ...(input !== undefined && { input }),
    ...(output !== undefined && { output }),
    ...(total !== undefined && { total }),
  }
}

function added(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return Math.min(largest, one + other)
}
