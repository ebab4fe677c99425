import type { Request } from 'express'
import type OpenAI from 'openai'
import { estimateTokenCount } from 'tokenx'
import { askedOf } from './asked.ts'

type Chunk = OpenAI.ChatCompletionChunk

/** Reads a stream as it passes, for what it takes from the budget. */
export function meter(req: Request) {
  const decoder = new TextDecoder()
  let rest = ''
  let said = ''
  let usage: Chunk | undefined

  function take(chunk: Chunk): void {
    if (chunk.usage) usage = chunk
    for (const { delta } of chunk.choices ?? []) {
      const calls = delta.tool_calls?.map((call) => call.function?.arguments ?? '') ?? []
      said += (delta.content ?? '') + calls.join('')
    }
  }

  return {
    /** Takes a piece, wherever it was cut. */
    read(bytes: Uint8Array): void {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r?\n/u)
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const chunk = chunkOf(line)
        if (chunk) take(chunk)
      }
    },
    /**
     * Settles what the stream states with `stream_options: { include_usage: true }`; without it, or
     * where the stream broke off, an estimate of what was said by then.
     */
    async settle(): Promise<void> {
      if (usage && (await req.rateLimit.settleUsage(usage))) return
      await req.rateLimit.settleUsage({
        prompt_tokens: askedOf(req).promptTokens,
        completion_tokens: estimateTokenCount(said),
      })
    },
  }
}

function chunkOf(line: string): Chunk | undefined {
  if (!/^data: ?\{/u.test(line)) return undefined
  try {
    return JSON.parse(line.slice(line.indexOf('{')))
  } catch {
    return undefined
  }
}
