/** Extras of a model provider, by its name. */
export type ProviderExtras = Readonly<Record<string, unknown>>

interface Extra {
  readonly providerMetadata?: ProviderExtras
}

interface Tool extends Extra {
  readonly toolCallId: string
  readonly toolMetadata?: Readonly<Record<string, unknown>>
  readonly providerExecuted?: boolean
  readonly dynamic?: boolean
}

interface NamedTool extends Tool {
  readonly toolName: string
  readonly title?: string
}

/** A stretch of text or of reasoning begins, grows, ends: all three carry the same id. */
export type TextChunk =
  | ({ readonly type: 'text-start' | 'text-end'; readonly id: string } & Extra)
  | ({ readonly type: 'reasoning-start' | 'reasoning-end'; readonly id: string } & Extra)
  | ({ readonly type: 'text-delta'; readonly id: string; readonly delta: string } & Extra)
  | ({ readonly type: 'reasoning-delta'; readonly id: string; readonly delta: string } & Extra)

/** A tool is called, and what came of it. */
export type ToolChunk =
  | ({ readonly type: 'tool-input-start'; readonly inputEncoding?: 'json' | 'text' } & NamedTool)
  | {
      readonly type: 'tool-input-delta'
      readonly toolCallId: string
      readonly inputTextDelta: string
    }
  | ({ readonly type: 'tool-input-available'; readonly input: unknown } & NamedTool)
  | ({
      readonly type: 'tool-input-error'
      readonly input: unknown
      readonly errorText: string
    } & NamedTool)
  | {
      readonly type: 'tool-approval-request'
      readonly approvalId: string
      readonly toolCallId: string
      readonly approvalDescriptor?: unknown
      readonly inputSchemaInput?: unknown
      readonly signature?: string
    }
  | ({
      readonly type: 'tool-output-available'
      readonly output: unknown
      readonly preliminary?: boolean
    } & Tool)
  | ({ readonly type: 'tool-output-error'; readonly errorText: string } & Tool)
  | { readonly type: 'tool-output-denied'; readonly toolCallId: string }

/** Something an answer shows or refers to. */
export type ThingChunk =
  | ({
      readonly type: 'source-url'
      readonly sourceId: string
      readonly url: string
      readonly title?: string
    } & Extra)
  | ({
      readonly type: 'source-document'
      readonly sourceId: string
      readonly mediaType: string
      readonly title: string
      readonly filename?: string
    } & Extra)
  | ({ readonly type: 'file'; readonly url: string; readonly mediaType: string } & Extra)
  | {
      readonly type: `data-${string}`
      readonly id?: string
      readonly data: unknown
      readonly transient?: boolean
    }

/** Why a model stopped speaking. */
export type FinishReason = 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'other'

/** How an answer goes on or ends. */
export type FlowChunk =
  | { readonly type: 'start'; readonly messageId?: string; readonly messageMetadata?: unknown }
  | { readonly type: 'start-step' | 'finish-step' }
  | { readonly type: 'message-metadata'; readonly messageMetadata: unknown }
  | {
      readonly type: 'finish'
      readonly finishReason?: FinishReason
      readonly messageMetadata?: unknown
    }
  | { readonly type: 'abort'; readonly reason?: string }
  | { readonly type: 'error'; readonly errorText: string }

/**
 * One piece of an answer, whatever provider it comes from: a chunk of the AI SDK's UI message
 * stream, protocol version 1.
 */
export type Chunk = TextChunk | ToolChunk | ThingChunk | FlowChunk
