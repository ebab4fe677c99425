import { safe } from './anthropic-blocks.ts'
import { anthropicLines } from './anthropic-lines.ts'
import { anthropicMessages } from './anthropic-messages.ts'
import { type Format, type Line, type Source, textIn } from './neutral.ts'
import { openAiLines } from './openai-lines.ts'
import { openAiMessages } from './openai-messages.ts'
import { repaired } from './repaired.ts'
import { responseItems } from './response-items.ts'
import { responseLines } from './response-lines.ts'
import type { Shape } from './shape.ts'
import { uiLines } from './ui-lines.ts'
import { uiMessages } from './ui-messages.ts'

const readers: Readonly<Record<Format, (source: Source) => readonly Line[]>> = {
  openai: openAiLines,
  'openai-responses': responseLines,
  anthropic: anthropicLines,
  'ai-sdk': uiLines,
}

/** What stored messages say. */
export function linesOf(sources: readonly Source[]): readonly Line[] {
  return sources.flatMap((source) => readers[source.format](source))
}

/** What the application says in these lines, a paragraph each. */
export function instructions(lines: readonly Line[]): string {
  return lines
    .filter(({ role }) => role === 'system' || role === 'developer')
    .map(({ pieces }) => textIn(pieces))
    .filter((text) => text !== '')
    .join('\n\n')
}

/**
 * The messages in a provider's own form, such as it takes them: what it would refuse is repaired.
 * What came in this form goes out as it came.
 */
export function rendered(sources: readonly Source[], format: Format): Shape[] {
  const lines = linesOf(sources)
  const same = (id: string) => id
  switch (format) {
    case 'openai':
      return openAiMessages(repaired(lines, { unique: 'step', legal: same }))
    case 'openai-responses':
      return responseItems(repaired(lines, { unique: 'window', legal: same }))
    case 'anthropic':
      return anthropicMessages(repaired(lines, { unique: 'window', legal: safe }))
    case 'ai-sdk':
      return uiMessages(repaired(lines, { unique: 'window', legal: same }), sources.at(-1))
  }
}
