import { isDeepStrictEqual } from 'node:util'
import {
  isShape,
  only,
  type Shape,
  shapesOf,
  someText,
  without,
} from '../lib/history/formats/shape.ts'

/** An item of the Agents SDK as OpenAI's Responses API knows it. */
export function toResponseItem(item: Shape): Shape {
  const { type = 'message' } = item
  switch (type) {
    case 'message':
      return message(item)
    case 'function_call':
      return renamed(item, { callId: 'call_id' })
    case 'function_call_result':
      return { ...renamed(without(item, 'name'), { callId: 'call_id' }), ...outputOf(item) }
    case 'reasoning':
      return reasoning(item)
    case 'computer_call_result':
      return { ...snakeCased(item), type: 'computer_call_output', output: screenshot(item) }
    default:
      return hosted(item) ?? snakeCased(item)
  }
}

/** An item of the Responses API as the Agents SDK knows it, with what that alone asks for. */
export function toAgentItem(item: Shape, nameOf: (callId: unknown) => string): Shape {
  if (item['type'] === 'function_call_output')
    return { name: nameOf(item['call_id']), status: 'completed', ...agentItem(item) }
  return item['role'] === 'assistant'
    ? { status: 'completed', ...agentItem(item), content: agentParts(item) }
    : agentItem(item)
}

/** What `toResponseItem()` has made of an item, the other way. */
export function agentItem(item: Shape): Shape {
  const { type = 'message', content, output } = item
  switch (type) {
    case 'message':
      return { ...item, ...(Array.isArray(content) && { content: agentParts(item) }) }
    case 'function_call':
      return renamed(item, { call_id: 'callId' })
    case 'function_call_output': {
      const result = { ...renamed(item, { call_id: 'callId' }), type: 'function_call_result' }
      return { ...result, output: Array.isArray(output) ? agentOutput(shapesOf(output)) : output }
    }
    case 'reasoning':
      return agentReasoning(item)
    default:
      return { type: 'unknown', ...only(item, 'id'), providerData: without(item, 'id') }
  }
}

function message(item: Shape): Shape {
  const shell = spread(item)
  const { content } = item
  if (typeof content === 'string') return shell
  const parts = shapesOf(content).flatMap(responsePart)
  return { ...(item['role'] === 'assistant' && { type: 'message' }), ...shell, content: parts }
}

/** What a provider gave beside what the SDK knows stands in one member; the API has it in the item. */
function spread(shape: Shape): Shape {
  const { providerData, ...rest } = shape
  return { ...(isShape(providerData) ? providerData : {}), ...rest }
}

function renamed(shape: Shape, names: Readonly<Record<string, string>>): Shape {
  return Object.fromEntries(
    Object.entries(spread(shape)).map(([name, value]) => [names[name] ?? name, value]),
  )
}

function responsePart(part: Shape): readonly Shape[] {
  const { promptCacheBreakpoint: _, ...given } = spread(part)
  switch (part['type']) {
    case 'output_text':
      return [{ annotations: [], ...given }]
    case 'text':
      return [{ type: 'input_text', text: part['text'] }]
    case 'input_image':
    case 'image':
      return [{ detail: 'auto', ...without(given, 'image'), type: 'input_image', ...imageOf(part) }]
    case 'input_file':
    case 'file':
      return [{ ...without(given, 'file'), type: 'input_file', ...fileOf(part) }]
    case 'audio':
      return [{ type: 'input_file', ...soundOf(part) }]
    default:
      return [given]
  }
}

function imageOf({ image }: Shape): Shape {
  if (typeof image === 'string') return { image_url: image }
  if (!isShape(image)) return {}
  const id = someText(image['id']) ?? someText(image['fileId'])
  if (id !== undefined) return { file_id: id }
  const data = someText(image['data'])
  return {
    image_url: data ? `data:${image['mediaType'] ?? 'image/png'};base64,${data}` : image['url'],
  }
}

function fileOf({ file }: Shape): Shape {
  if (typeof file === 'string')
    return /^https?:/.test(file) ? { file_url: file } : { file_data: file }
  if (!isShape(file)) return {}
  const id = someText(file['id']) ?? someText(file['fileId'])
  const named = only(file, 'filename')
  if (id !== undefined) return { ...named, file_id: id }
  const data = someText(file['data'])
  return { ...named, ...(data ? { file_data: data } : { file_url: file['url'] }) }
}

/** The API has no other place for sound. */
function soundOf({ audio, format }: Shape): Shape {
  if (isShape(audio)) return { file_id: audio['id'] }
  const type = someText(format) ?? 'wav'
  return { filename: `audio.${type}`, file_data: `data:audio/${type};base64,${audio}` }
}

function outputOf({ output }: Shape): Shape {
  const type = 'function_call_output'
  if (typeof output === 'string') return { type, output }
  const parts = isShape(output) ? [output] : shapesOf(output)
  return { type, output: parts.flatMap(responsePart) }
}

function agentOutput(parts: readonly Shape[]): unknown {
  const [text, ...more] = parts
  const plain = more.length === 0 && text?.['type'] === 'input_text'
  return plain ? { ...text, type: 'text' } : parts.map(agentPart)
}

function reasoning({ content, rawContent, ...item }: Shape): Shape {
  const summary = shapesOf(content).map(({ text }) => ({ type: 'summary_text', text }))
  return { ...spread(item), summary, ...(rawContent === undefined ? {} : { content: rawContent }) }
}

function agentReasoning({ type, id, summary, content, ...rest }: Shape): Shape {
  return {
    type,
    ...(id === undefined ? {} : { id }),
    content: shapesOf(summary).map(({ text }) => ({ type: 'input_text', text })),
    ...(content === undefined ? {} : { rawContent: content }),
    ...(Object.keys(rest).length > 0 && { providerData: rest }),
  }
}

/** Tools that the provider carries out itself: what it gave is what it takes back. */
function hosted({ type, id, providerData }: Shape): Shape | undefined {
  const known = type === 'hosted_tool_call' || type === 'unknown'
  if (!known || !isShape(providerData) || typeof providerData['type'] !== 'string') return undefined
  return { ...providerData, ...(id === undefined ? {} : { id }) }
}

function screenshot({ output }: Shape): Shape {
  const { data } = isShape(output) ? output : {}
  return { type: 'computer_screenshot', image_url: data }
}

function snakeCased(item: Shape): Shape {
  return snake(spread(item)) as Shape
}

function snake(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snake)
  if (!isShape(value)) return value
  const members = Object.entries(value).map(([name, member]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    snake(member),
  ])
  return Object.fromEntries(members)
}

function agentParts({ role, content }: Shape): readonly Shape[] {
  if (typeof content === 'string') return [{ type: 'output_text', text: content }]
  // The API takes what an assistant has said as input as well.
  return shapesOf(content).map((part) =>
    agentPart(
      role === 'assistant' && part['type'] === 'input_text'
        ? { ...part, type: 'output_text' }
        : part,
    ),
  )
}

function agentPart(part: Shape): Shape {
  const { type, image_url: url, file_id: id, file_data: data, file_url: at, ...rest } = part
  switch (type) {
    case 'output_text': {
      const { annotations, ...text } = rest
      const none = isDeepStrictEqual(annotations, [])
      return { type, ...text, ...(none ? {} : { providerData: { annotations } }) }
    }
    case 'input_image':
      return { type, image: url ?? { id }, ...rest }
    case 'input_file':
      return { type, file: data ?? (at === undefined ? { id } : { url: at }), ...rest }
    default:
      return part
  }
}
