import type { Shape } from './shape.ts'

/** Forms in which messages of a model provider come in and go out. */
export type Format = 'openai' | 'openai-responses' | 'anthropic' | 'ai-sdk'

/** A stored message in the form of its provider. Text and OpenAI chat are both `openai`. */
export interface Source {
  readonly id: string
  readonly format: Format
  /** As it came in, with nothing of this package on it. */
  readonly message: Shape
  /** The answer was cut off. */
  readonly partial: boolean
}

/** The block a piece was made of: it goes out as it came where the format is the same. */
export interface Origin {
  readonly format: Format
  readonly block: Shape
}

/** A piece of a message that every provider knows in some form, or that only one knows. */
export type Piece = TextPiece | ReasoningPiece | Call | Result | FilePiece | OtherPiece

/** Text; a refusal is text that some providers mark. */
interface TextPiece {
  readonly kind: 'text' | 'refusal'
  readonly text: string
  readonly of?: Origin
}

/** What a model thought. Providers take back only what they have signed or encrypted themselves. */
export interface ReasoningPiece {
  readonly kind: 'reasoning'
  readonly text: string
  /** Anthropic's. */
  readonly signature?: string | undefined
  /** Anthropic's redacted thinking. */
  readonly redacted?: string | undefined
  /** OpenAI's id of the item, and its encrypted content. */
  readonly item?: string | undefined
  readonly encrypted?: string | undefined
  readonly of?: Origin
}

/** A tool that the model wants called. */
export interface Call {
  readonly kind: 'call'
  readonly id: string
  readonly name: string
  readonly input: unknown
  /** Known to one provider only, and without a result that could be made up: it goes where that is missing. */
  readonly bound?: true
  readonly of?: Origin
}

/** What a tool gave. */
export interface Result {
  readonly kind: 'result'
  /** Of the call. */
  readonly id: string
  readonly text: string
  readonly error: boolean
  readonly bound?: true
  readonly of?: Origin
}

/** An image, a document, a sound. */
export interface FilePiece {
  readonly kind: 'file'
  readonly mediaType: string
  readonly url?: string | undefined
  readonly base64?: string | undefined
  readonly name?: string | undefined
  readonly of?: Origin
}

/** What only one provider knows. */
export interface OtherPiece {
  readonly kind: 'other'
  readonly name: string
  readonly of: Origin
}

/** Who speaks in a line; `tool` lines hold results only. */
export type Speaker = 'system' | 'developer' | 'user' | 'assistant' | 'tool'

/** A message, or a part of one in which one side speaks. */
export interface Line {
  readonly role: Speaker
  readonly source: Source
  readonly pieces: readonly Piece[]
  /** The message as it came in holds what its own provider would refuse. */
  readonly changed: boolean
}

/** What an assistant says before somebody else speaks, and the results of the tools it called. */
export interface Step {
  readonly kind: 'step'
  readonly lines: readonly Line[]
  /** One for each call, in the order they came; the made up ones last. */
  readonly results: readonly Result[]
}

/** What a user or the application says. */
export interface Said {
  readonly kind: 'said'
  readonly line: Line
}

/** What stands for the result of a call that never came to one. */
export const interruptedText = 'The call was interrupted: it has no result.'

/** What stands for a user's message of which nothing can be handed out. */
export const emptyText = '(no text)'

/** The block of a piece where it came in this format. */
export function blockIn(format: Format, { of }: Piece): Shape | undefined {
  return of?.format === format ? of.block : undefined
}

/** True for what says or does something: not blank text, not mere reasoning. */
export function hasSubstance(piece: Piece): boolean {
  if (piece.kind === 'text' || piece.kind === 'refusal') return piece.text.trim() !== ''
  return piece.kind !== 'reasoning'
}

/** The text of pieces, a line each. */
export function textIn(pieces: readonly Piece[]): string {
  return pieces
    .flatMap((piece) => (piece.kind === 'text' || piece.kind === 'refusal' ? [piece.text] : []))
    .filter((text) => text !== '')
    .join('\n')
}
