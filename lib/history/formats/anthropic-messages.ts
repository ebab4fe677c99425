import { answerBlock, assistantBlock, isBlank, userBlock } from './anthropic-blocks.ts'
import { emptyText, type Line, type Piece, type Result, type Said, type Step } from './neutral.ts'
import { type Shape, shapesOf } from './shape.ts'

type Content = string | readonly Shape[]

interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: Content
  readonly partial: boolean
}

/**
 * Anthropic messages of a repaired conversation, without what the application says: that is the
 * `system` of a request.
 */
export function anthropicMessages(parts: readonly (Said | Step)[]): Shape[] {
  const spoken = parts.filter((part) => part.kind === 'step' || part.line.role === 'user')
  const first = spoken.findIndex(({ kind }) => kind === 'said')
  const turns = first < 0 ? [] : merged(spoken.slice(first).flatMap(turnsOf))
  const kept = turns.flatMap((turn, at) => completed(turn, at === turns.length - 1))
  return merged(kept).map(({ role, content }) => ({ role, content }))
}

function turnsOf(part: Said | Step): Turn[] {
  if (part.kind === 'said') return [userTurn(part.line)]
  const partial = part.lines.some(({ source }) => source.partial)
  const turns: Turn[] = [{ role: 'assistant', content: contentOf(part.lines), partial }]
  const answers = part.results.flatMap(answerOf)
  return answers.length > 0 ? [...turns, { role: 'user', content: answers, partial: false }] : turns
}

function answerOf(result: Result): Shape[] {
  return result.bound ? [] : [answerBlock(result)]
}

function userTurn({ source, pieces }: Line): Turn {
  const own = source.format === 'anthropic' || source.format === 'openai'
  const { content } = source.message
  const turn = { role: 'user', partial: false } as const
  if (own && typeof content === 'string')
    return { ...turn, content: isBlank(content) ? emptyText : content }
  const blocks = blocksOf(pieces, userBlock)
  return { ...turn, content: blocks.length > 0 ? blocks : emptyText }
}

function contentOf(lines: readonly Line[]): Content {
  const [line] = lines
  const content = line?.source.message['content']
  const own = line?.source.format === 'anthropic' || line?.source.format === 'openai'
  const plain = line?.pieces.every(({ kind }) => kind === 'text')
  if (lines.length === 1 && own && plain && typeof content === 'string') return content
  return lines.flatMap(({ pieces }) => blocksOf(pieces, assistantBlock))
}

function blocksOf(
  pieces: readonly Piece[],
  render: (piece: Piece) => Shape | undefined,
): readonly Shape[] {
  return pieces.map(render).filter((block) => block !== undefined)
}

/** One message where one side speaks several times in a row: not everybody merges them himself. */
function merged(turns: readonly Turn[]): Turn[] {
  const rows: Turn[][] = []
  for (const turn of turns) {
    const row = rows.at(-1)
    if (row?.[0]?.role === turn.role) row.push(turn)
    else rows.push([turn])
  }
  return rows.flatMap((row) => {
    const [only] = row
    if (only === undefined || row.length === 1) return row
    const content = row.flatMap((turn) => listed(turn.content))
    return [{ role: only.role, content, partial: row.some(({ partial }) => partial) }]
  })
}

function listed(content: Content): readonly Shape[] {
  if (typeof content !== 'string') return content
  const block: Shape = { type: 'text', text: content }
  return isBlank(content) ? [] : [block]
}

/**
 * What an answer must not end with, or hold unfinished: thinking that nothing follows, a tool of
 * Anthropic's own without its result. Only the last answer may wait for one (`pause_turn`).
 */
function completed(turn: Turn, last: boolean): Turn[] {
  if (turn.role === 'user' || typeof turn.content === 'string')
    return turn.content.length > 0 ? [turn] : []
  const waiting = last && !turn.partial
  const paired = waiting ? turn.content : pairedTools(turn.content)
  const end = paired.findLastIndex(({ type }) => !isThinking(type))
  const content = paired.slice(0, end + 1)
  return content.length > 0 ? [{ ...turn, content }] : []
}

function isThinking(type: unknown): boolean {
  return type === 'thinking' || type === 'redacted_thinking'
}

function pairedTools(blocks: readonly Shape[]): readonly Shape[] {
  const answered = new Set(shapesOf(blocks).map(({ tool_use_id: id }) => id))
  const used = new Set(blocks.filter(isServerTool).map(({ id }) => id))
  return blocks.filter((block) => {
    if (isServerTool(block)) return answered.has(block['id'])
    return block['tool_use_id'] === undefined || used.has(block['tool_use_id'])
  })
}

function isServerTool({ type }: Shape): boolean {
  return type === 'server_tool_use' || type === 'mcp_tool_use'
}
