import {
  type AgentInputItem,
  type Model,
  type ModelRequest,
  type ModelResponse,
  type StreamEvent,
  Usage,
} from '@openai/agents-core'

/** What a model of the Agents SDK gives at once. */
export type AgentOutput = ModelResponse['output']

type Streamed = Extract<StreamEvent, { type: 'response_done' }>['response']['output']

/** A model of the Agents SDK that answers with what it is given, and remembers what it was asked. */
export class ScriptedAgentModel implements Model {
  readonly asked: AgentInputItem[][] = []
  readonly #outputs: AgentOutput[]

  constructor(outputs: AgentOutput[]) {
    this.#outputs = [...outputs]
  }

  async getResponse({ input }: ModelRequest): Promise<ModelResponse> {
    this.asked.push(structuredClone(input) as AgentInputItem[])
    return { usage: new Usage(), output: this.#outputs.shift() ?? [] }
  }

  async *getStreamedResponse(request: ModelRequest): AsyncIterable<StreamEvent> {
    const { output } = await this.getResponse(request)
    const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 }
    yield { type: 'response_done', response: { id: 'r', usage, output: output as Streamed } }
  }
}

/** A message of an agent; some models give every message the same id. */
export function saidByAgent(text: string): AgentOutput[number] {
  return {
    id: 'FAKE_ID',
    type: 'message',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text }],
  }
}
