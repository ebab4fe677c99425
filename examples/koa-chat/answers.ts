import type { Message } from 'memoryware'

/** Answers the last of these messages. */
export type Answerer = (messages: readonly Message[]) => string | Promise<string>

/** Answers with the passage of a Markdown text that shares the rarest words with what was asked. */
export function passageAnswerer(markdown: string): Answerer {
  const passages = markdown
    .replace(/^```.*?^```$/gmsu, '')
    .split(/\n{2,}|\n(?=[|-] )/u)
    .filter((text) => /^[\p{L}`*|-] ?[^-]/u.test(text))
    .map((text) => text.replace(/\[([^\]]*)\]\([^)]*\)|^[|-] |\*\*| \|$/gmu, '$1'))
    .map((text) => ({ text: text.replaceAll(' | ', ': '), words: wordsOf(text) }))
  const rarity = (word: string) =>
    Math.log(passages.length / passages.filter(({ words }) => words.has(word)).length)

  return (messages) => {
    // What was asked before says what “it” is now.
    const asked = messages.filter(({ role }) => role === 'user').slice(-2)
    const weighed = asked
      .reverse()
      .map(({ content }, at) => [wordsOf(content), 1 - at / 2] as const)
    const scored = passages.map(({ text, words }) => {
      const scores = weighed.flatMap(([set, weight]) =>
        [...set].map((word) => (words.has(word) ? weight * rarity(word) : 0)),
      )
      return { text, score: scores.reduce((a, b) => a + b, 0) / Math.sqrt(words.size + 5) }
    })
    const best = scored.reduce((one, other) => (other.score > one.score ? other : one))
    return best.score > 0 ? best.text : 'The README says nothing about that.'
  }
}

function wordsOf(text: unknown): Set<string> {
  const words =
    String(text)
      .toLowerCase()
      .match(/[\p{L}\d]{4,}/gu) ?? []
  return new Set(words.map((word) => word.replace(/(?:ing|ed|es|s)$/u, '')))
}

/** Lets a model answer that is asked over OpenAI's interface and sees the conversation. */
export function modelAnswerer(baseUrl: string, apiKey: string, model: string): Answerer {
  return async (messages) => {
    const asked = messages.map(({ role, content }) => ({ role, content }))
    const response = await fetch(`${baseUrl.replace(/\/+$/u, '')}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: asked }),
      signal: AbortSignal.timeout(60_000),
    })
    if (!response.ok) throw new Error(`The model answered with status ${response.status}`)
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
    return choices[0]?.message.content || 'The model gave an empty answer.'
  }
}
