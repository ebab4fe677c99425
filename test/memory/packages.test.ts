import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { coerceMessageLikeToMessage, ToolMessage } from '@langchain/core/messages'
import { convertToModelMessages, type ModelMessage, validateUIMessages } from 'ai'
import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import OpenAI from 'openai'
import { conversations, messagesOf } from '../support/conversations.ts'
import { contextOfLog, storedLog } from '../support/stored-log.ts'
import { faultsIn } from '../support/validators/faults.ts'

/** Windows of the same made up conversations in each form. */
const logs = fc
  .sample(conversations, { numRuns: 60, seed: 7 })
  .map((made) => storedLog(messagesOf(made, 'mixed')))
  .filter(({ entries }) => entries.some(({ role }) => role === 'u'))

/** A part of a message of a model. */
type Part = Exclude<ModelMessage['content'], string>[number]

describe('packages of providers', () => {
  let server: Server
  let base: string
  const bodies: Record<string, unknown>[] = []

  before(async () => {
    server = createServer(async (req, res) => {
      const chunks: Buffer[] = []
      for await (const chunk of req) chunks.push(chunk as Buffer)
      bodies.push(JSON.parse(Buffer.concat(chunks).toString()))
      res.setHeader('content-type', 'application/json').end('{"id":"x","output":[],"content":[]}')
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  it('openai sends a chat as it is handed out', async () => {
    const client = new OpenAI({ apiKey: 'none', baseURL: base, maxRetries: 0 })
    for (const log of logs) {
      const { messages } = contextOfLog(log, 'openai')
      await client.chat.completions.create({ model: 'm', messages })
      const sent = bodies.at(-1)?.['messages'] as unknown[]
      assert.deepEqual(sent, messages)
      assert.deepEqual(faultsIn.openai(sent), [])
    }
  })

  it('openai sends the input of a response as it is handed out', async () => {
    const client = new OpenAI({ apiKey: 'none', baseURL: base, maxRetries: 0 })
    for (const log of logs) {
      const { messages } = contextOfLog(log, 'openai-responses')
      await client.responses.create({ model: 'm', input: messages })
      const sent = bodies.at(-1)?.['input'] as unknown[]
      assert.deepEqual(sent, messages)
      assert.deepEqual(faultsIn['openai-responses'](sent), [])
    }
  })

  it('@anthropic-ai/sdk sends messages and system as they are handed out', async () => {
    const client = new Anthropic({ apiKey: 'none', baseURL: base, maxRetries: 0 })
    for (const log of logs) {
      const { messages, system } = contextOfLog(log, 'anthropic')
      await client.messages.create({
        model: 'm',
        max_tokens: 1,
        messages,
        ...(system !== undefined && { system }),
      })
      const sent = bodies.at(-1)
      assert.deepEqual([sent?.['messages'], sent?.['system']], [messages, system])
      assert.deepEqual(faultsIn.anthropic(sent?.['messages'] as unknown[]), [])
    }
  })

  it('ai takes UI messages, and makes messages of a model in which each call has its result', async () => {
    for (const log of logs) {
      const { messages } = contextOfLog(log, 'ai-sdk')
      const valid = await validateUIMessages({ messages })
      const model = await convertToModelMessages(valid)
      const parts = model.flatMap(({ content }): Part[] =>
        typeof content === 'string' ? [] : content,
      )
      const called = parts.flatMap((part) => (part.type === 'tool-call' ? [part.toolCallId] : []))
      const given = parts.flatMap((part) => (part.type === 'tool-result' ? [part.toolCallId] : []))
      assert.deepEqual(given.sort(), called.sort())
      assert.ok(model.every(({ content }) => content.length > 0))
    }
  })

  it('@langchain/core takes messages of a chat', () => {
    for (const log of logs) {
      const { messages } = contextOfLog(log, 'openai')
      const theirs = messages.map((message) =>
        coerceMessageLikeToMessage(message as Parameters<typeof coerceMessageLikeToMessage>[0]),
      )
      const tools = messages.filter(({ role }) => role === 'tool')
      assert.equal(theirs.filter((message) => message instanceof ToolMessage).length, tools.length)
    }
  })
})
