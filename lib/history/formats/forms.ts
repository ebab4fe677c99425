/** Text, as OpenAI's chat takes it. */
export interface OpenAiText {
  type: 'text'
  text: string
}

/** A part of a user's message, as OpenAI's chat takes it. */
export type OpenAiPart =
  | OpenAiText
  | { type: 'image_url'; image_url: { url: string } }
  | { type: 'input_audio'; input_audio: { data: string; format: 'wav' | 'mp3' } }
  | { type: 'file'; file: { file_data?: string; file_id?: string; filename?: string } }

/** A call, as OpenAI's chat takes it. */
export type OpenAiCall =
  | { type: 'function'; id: string; function: { name: string; arguments: string } }
  | { type: 'custom'; id: string; custom: { name: string; input: string } }

/** A message for OpenAI's chat completions (`ChatCompletionMessageParam`). */
export type OpenAiMessage =
  | { role: 'system' | 'developer'; content: string | OpenAiText[] }
  | { role: 'user'; content: string | OpenAiPart[] }
  | {
      role: 'assistant'
      content?: string | (OpenAiText | { type: 'refusal'; refusal: string })[] | null
      refusal?: string | null
      tool_calls?: OpenAiCall[]
    }
  | { role: 'tool'; tool_call_id: string; content: string | OpenAiText[] }

/** A part of a message, as OpenAI's Responses API takes it. */
export type InputPart =
  | { type: 'input_text'; text: string }
  | { type: 'input_image'; image_url?: string; detail: 'auto' | 'low' | 'high' }
  | { type: 'input_file'; file_data?: string; file_url?: string; filename?: string }

/** An input item for OpenAI's Responses API (`ResponseInputItem`). Items of other types come as they were. */
export type InputItem =
  | {
      type?: 'message'
      role: 'system' | 'developer' | 'user' | 'assistant'
      content: string | InputPart[]
    }
  | {
      type: 'message'
      id: string
      role: 'assistant'
      status: 'in_progress' | 'completed' | 'incomplete'
      content: (
        | { type: 'output_text'; text: string; annotations: [] }
        | { type: 'refusal'; refusal: string }
      )[]
    }
  | { type: 'function_call'; call_id: string; name: string; arguments: string; id?: string }
  | { type: 'function_call_output'; call_id: string; output: string }
  | { type: 'custom_tool_call'; call_id: string; name: string; input: string; id?: string }
  | { type: 'custom_tool_call_output'; call_id: string; output: string }
  | {
      type: 'reasoning'
      id: string
      summary: { type: 'summary_text'; text: string }[]
      encrypted_content?: string | null
    }

/** A block that Anthropic takes in a message. Blocks of other types come as they were. */
export type AnthropicBlock =
  | { type: 'text'; text: string }
  | {
      type: 'image'
      source:
        | { type: 'url'; url: string }
        | {
            type: 'base64'
            media_type: 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp'
            data: string
          }
    }
  | {
      type: 'document'
      title?: string | null
      source:
        | { type: 'url'; url: string }
        | { type: 'base64'; media_type: 'application/pdf'; data: string }
        | { type: 'text'; media_type: 'text/plain'; data: string }
    }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'redacted_thinking'; data: string }
  | { type: 'tool_use'; id: string; name: string; input: unknown }
  | {
      type: 'tool_result'
      tool_use_id: string
      content?: string | { type: 'text'; text: string }[]
      is_error?: boolean
    }

/** A message for Anthropic (`MessageParam`). */
export interface AnthropicMessage {
  role: 'user' | 'assistant'
  content: string | AnthropicBlock[]
}

/** Metadata of a provider on a part of a UI message. */
type Metadata = Record<string, Record<string, string | null>>

/** A call in a UI message, with its result. */
type UiCall = { toolCallId: string; input: unknown; providerExecuted?: boolean } & (
  | { state: 'output-available'; output: unknown }
  | { state: 'output-error'; errorText: string }
)

/** A part of a UI message. Parts of other types come as they were. */
export type UiPart =
  | { type: 'text'; text: string; state?: 'streaming' | 'done'; providerMetadata?: Metadata }
  | { type: 'reasoning'; text: string; state?: 'streaming' | 'done'; providerMetadata?: Metadata }
  | { type: 'file'; mediaType: string; url: string; filename?: string }
  | { type: 'step-start' }
  | ({ type: 'dynamic-tool'; toolName: string } & UiCall)
  | ({ type: `tool-${string}` } & UiCall)

/** A message of the AI SDK's user interface (`UIMessage`). */
export interface AiSdkMessage {
  id: string
  role: 'system' | 'user' | 'assistant'
  metadata?: unknown
  parts: UiPart[]
}
