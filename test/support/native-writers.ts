import type { AnyMessage, ContentPart } from '../../lib/index.ts'
import type { Form } from './validators/faults.ts'

/** What becomes of a call in a made up conversation. */
export type Fate = 'answered' | 'failed' | 'missing' | 'twice'

/** What an assistant says at once, each call with its id. */
export interface SaidStep {
  readonly text: string
  readonly reasoning: string | undefined
  readonly calls: readonly { id: string; name: string; fate: Fate }[]
  readonly id: string
  readonly cut: 'interrupted' | 'aborted' | undefined
}

/** Writes messages as one provider has them. */
export interface Writer {
  system(text: string): AnyMessage
  user(text: string, id: string, file: boolean): AnyMessage
  answer(steps: readonly SaidStep[]): AnyMessage[]
}

const pixel = 'iVBORw0KGgo='

function resultsOf<T>(
  { calls }: SaidStep,
  make: (id: string, output: string, failed: boolean) => T,
): T[] {
  return calls.flatMap(({ id, fate }) => {
    const result = () => make(id, `result of ${id}`, fate === 'failed')
    if (fate === 'missing') return []
    return fate === 'twice' ? [result(), result()] : [result()]
  })
}

function flagged(cut: SaidStep['cut']): { status?: string } {
  return cut === undefined ? {} : { status: cut }
}

/** One writer for each form. */
export const writers: Readonly<Record<Form, Writer>> = {
  openai: {
    system: (content) => ({ role: 'system', content }),
    user: (text, _id, file) => {
      const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } }
      return { role: 'user', content: file ? [{ type: 'text', text }, image] : text }
    },
    answer: (steps) =>
      steps.flatMap((step) => [
        {
          role: 'assistant',
          content: step.text === '' && step.calls.length > 0 ? null : step.text,
          ...(step.calls.length > 0 && {
            tool_calls: step.calls.map(({ id, name }) => ({
              id,
              type: 'function',
              function: { name, arguments: '{"a":1}' },
            })),
          }),
          ...flagged(step.cut),
        },
        ...resultsOf(step, (tool_call_id, content) => ({
          role: 'tool' as const,
          tool_call_id,
          content,
        })),
      ]),
  },
  'openai-responses': {
    system: (content) => ({ role: 'system', content, type: 'message' }),
    user: (text, _id, file) => ({
      type: 'message',
      role: 'user',
      content: [
        { type: 'input_text', text },
        ...(file
          ? [{ type: 'input_image', image_url: 'https://x.test/a.png', detail: 'auto' }]
          : []),
      ],
    }),
    answer: (steps) =>
      steps.flatMap((step) => [
        ...(step.reasoning === undefined
          ? []
          : [{ type: 'reasoning', id: `rs_${step.id}`, summary: [], encrypted_content: 'x' }]),
        ...(step.text === '' && step.cut === undefined
          ? []
          : [
              {
                type: 'message',
                id: `msg_${step.id}`,
                role: 'assistant' as const,
                status: step.cut === undefined ? 'completed' : 'incomplete',
                content: [{ type: 'output_text', text: step.text, annotations: [] }],
              },
            ]),
        ...step.calls.map(({ id, name }) => ({
          type: 'function_call',
          id: `fc_${step.id}_${id}`,
          call_id: id,
          name,
          arguments: '{}',
        })),
        ...resultsOf(step, (call_id, output) => ({
          type: 'function_call_output',
          call_id,
          output,
        })),
      ]),
  },
  anthropic: {
    system: (content) => ({ role: 'system', content }),
    user: (text, _id, file) => {
      const source = { type: 'base64', media_type: 'image/png', data: pixel }
      const image = { type: 'image', source }
      return { role: 'user', content: file ? [{ type: 'text', text }, image] : text }
    },
    answer: (steps) => steps.flatMap(anthropicStep),
  },
  'ai-sdk': {
    system: (text) => ({ id: `s${text}`, role: 'system', parts: [{ type: 'text', text }] }),
    user: (text, id, file) => {
      const image = { type: 'file', mediaType: 'image/png', url: 'https://x.test/a.png' }
      return { id, role: 'user', parts: [{ type: 'text', text }, ...(file ? [image] : [])] }
    },
    answer: (steps) => [
      {
        id: `ui-${steps[0]?.id}`,
        role: 'assistant',
        parts: steps.flatMap(uiStep),
        ...flagged(steps.at(-1)?.cut),
      },
    ],
  },
}

function anthropicStep(step: SaidStep): AnyMessage[] {
  const results = resultsOf(step, (tool_use_id, content, failed) => ({
    type: 'tool_result',
    tool_use_id,
    content,
    ...(failed && { is_error: true }),
  }))
  const thinking = { type: 'thinking', thinking: 'hm', ...(step.cut ? {} : { signature: 'sig' }) }
  const content = [
    ...(step.reasoning === undefined ? [] : [thinking]),
    ...(step.text === '' && step.cut === undefined ? [] : [{ type: 'text', text: step.text }]),
    ...step.calls.map(({ id, name }) => ({
      type: 'tool_use',
      id,
      name: name.replace('.', '-'),
      input: { a: [1] },
    })),
  ]
  return [
    { role: 'assistant', content, ...flagged(step.cut) },
    ...(results.length > 0 ? [{ role: 'user' as const, content: results }] : []),
  ]
}

function uiStep(step: SaidStep): (ContentPart & Record<string, unknown>)[] {
  const state = step.cut === undefined ? 'done' : 'streaming'
  return [
    { type: 'step-start' },
    ...(step.reasoning === undefined ? [] : [{ type: 'reasoning', text: 'hm', state }]),
    ...(step.text === '' && step.cut === undefined
      ? []
      : [{ type: 'text', text: step.text, state }]),
    ...step.calls.map(({ id, name, fate }) => ({
      type: `tool-${name}`,
      toolCallId: id,
      ...(fate === 'missing'
        ? { state: 'input-streaming' }
        : fate === 'failed'
          ? { state: 'output-error', input: {}, errorText: 'no luck' }
          : { state: 'output-available', input: {}, output: { found: id } }),
    })),
  ]
}
