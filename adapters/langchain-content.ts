import {
  asText,
  isShape,
  only,
  type Shape,
  shapesOf,
  someText,
} from '../lib/history/formats/shape.ts'

/** Content as OpenAI's chat takes it from whoever says it; what it has no words for is left out. */
export function chatContent(content: unknown, role: string): string | readonly Shape[] {
  if (typeof content === 'string') return content
  const parts = shapesOf(content).flatMap(
    (block): Shape | readonly Shape[] => part(block, role) ?? [],
  )
  return parts.length > 0 ? parts : ''
}

/** Content without bytes: in their place is base64, as it is in what providers send. */
export function plainContent(content: unknown): unknown {
  if (!Array.isArray(content)) return content
  return content.map((block: unknown) =>
    isShape(block) && block['data'] instanceof Uint8Array
      ? { ...block, data: Buffer.from(block['data']).toString('base64') }
      : block,
  )
}

function part(block: Shape, role: string): Shape | undefined {
  const { type } = block
  if (type === 'text') return someText(block['text']) ? only(block, 'type', 'text') : undefined
  if (role === 'assistant') return type === 'refusal' ? only(block, 'type', 'refusal') : undefined
  return role === 'user' ? filePart(block) : undefined
}

function filePart(block: Shape): Shape | undefined {
  const { type, image_url: image } = block
  if (type === 'image_url')
    return { type, image_url: typeof image === 'string' ? { url: image } : image }
  if (type === 'input_audio' || (type === 'file' && isShape(block['file'])))
    return only(block, 'type', 'input_audio', 'file')
  return placedPart(type, placeOf(block))
}

function placedPart(type: unknown, { url, data, mediaType, name }: Place): Shape | undefined {
  const address = url ?? (data && `data:${mediaType};base64,${data}`)
  if (address === undefined) return undefined
  if (type === 'image') return { type: 'image_url', image_url: { url: address } }
  if (data === undefined) return { type: 'text', text: `[${mediaType} ${address}]` }
  const format = /^audio\/(?:x-)?(wav|mp3|mpeg)$/.exec(mediaType)?.[1]
  if (format === undefined)
    return { type: 'file', file: { filename: name ?? 'file', file_data: address } }
  return { type: 'input_audio', input_audio: { data, format: format === 'wav' ? 'wav' : 'mp3' } }
}

interface Place {
  readonly url: string | undefined
  readonly data: string | undefined
  readonly mediaType: string
  readonly name: string | undefined
}

/** Where a file is, in the blocks of LangChain's versions 0 and 1 and of Anthropic. */
function placeOf(block: Shape): Place {
  const source = isShape(block['source']) ? block['source'] : block
  const metadata = isShape(block['metadata']) ? block['metadata'] : {}
  const mediaType =
    asText(source['mimeType']) ?? asText(source['mime_type']) ?? asText(source['media_type'])
  return {
    url: someText(source['url']),
    data: someText(source['data']),
    mediaType: mediaType ?? (block['type'] === 'image' ? 'image/png' : 'application/octet-stream'),
    name: someText(metadata['filename'] ?? metadata['name'] ?? block['title']),
  }
}
