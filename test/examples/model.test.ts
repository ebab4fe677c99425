import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { passagesOf } from '../../examples/rag-chat/corpus.ts'
import { eventsOf } from '../../examples/rag-chat/events.ts'
import { createLibrary } from '../../examples/rag-chat/library.ts'
import { modelAnswerer } from '../../examples/rag-chat/model.ts'

const library = createLibrary(
  passagesOf([{ file: 'tea.md', text: '# Tea\n\nGreen tea is steeped for two minutes.' }]),
)

interface Seen {
  readonly url: string | undefined
  readonly authorization: string | undefined
  readonly body: { model: string; stream: boolean; messages: { role: string; content: string }[] }
}

describe('the example: a model', () => {
  let server: Server
  let seen: Seen[]
  let respond: (res: ServerResponse) => void

  beforeEach(async () => {
    seen = []
    server = createServer(async (req: IncomingMessage, res) => {
      const body = JSON.parse(await text(req)) as Seen['body']
      seen.push({ url: req.url, authorization: req.headers.authorization, body })
      respond(res)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })

  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  function answerer(silenceMs?: number) {
    const { port } = server.address() as AddressInfo
    const baseUrl = `http://127.0.0.1:${port}/v1/`
    const options = { baseUrl, apiKey: 'sk-canary', model: 'small' }
    return modelAnswerer(library, silenceMs === undefined ? options : { ...options, silenceMs })
  }

  function chunk(content: string): string {
    return `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`
  }

  it('streams what the model says, as it says it', async () => {
    respond = (res) => {
      res.write(`data: {"choices":[{"delta":{"role":"assistant","content":null}}]}\n\n`)
      res.write(chunk('Two min'))
      res.end(`${chunk('utes [1].')}data: [DONE]\n\n`)
    }
    const deltas: string[] = []
    const answer = await answerer().answer('How long is green tea steeped?', {
      sources: ([source]) => equal(source?.id, 'tea.md#tea'),
      delta: (delta) => deltas.push(delta),
    })
    deepEqual(deltas, ['Two min', 'utes [1].'])
    equal(answer.text, 'Two minutes [1].')
  })

  it('asks in the shape of OpenAI, with the passages and the question', async () => {
    respond = (res) => res.end(`${chunk('x')}data: [DONE]\n\n`)
    await answerer().answer('How long is green tea steeped?')
    equal(seen[0]?.url, '/v1/chat/completions')
    equal(seen[0]?.authorization, 'Bearer sk-canary')
    const { model, stream, messages } = seen[0]?.body ?? { messages: [] }
    deepEqual(
      [model, stream, messages.map(({ role }) => role)],
      ['small', true, ['system', 'user']],
    )
    match(messages[1]?.content ?? '', /\[1\] Tea\nGreen tea[\s\S]*Question: How long/)
  })

  it('asks no model where no passage fits', async () => {
    const { found } = await answerer().answer('Who won the chess match?')
    deepEqual([found, seen.length], [false, 0])
  })

  it('says in words why a model refused, and never the key', async () => {
    respond = (res) => res.writeHead(401).end('{"error":{"message":"bad key sk-canary"}}')
    await rejects(answerer().answer('green tea'), { message: 'The model refused the API key.' })
    respond = (res) => res.writeHead(429).end()
    await rejects(answerer().answer('green tea'), /over its own limit/)
    respond = (res) => res.writeHead(500).end()
    await rejects(answerer().answer('green tea'), /status 500/)
  })

  it('gives up a model that falls silent', async () => {
    respond = (res) => res.write(chunk('Two'))
    await rejects(answerer(50).answer('green tea'), /did not answer in time/)
  })

  it('tells an answer that broke off from one that ended', async () => {
    respond = (res) => {
      res.write(chunk('Two'))
      setTimeout(() => res.destroy(), 20)
    }
    await rejects(answerer().answer('green tea'), { name: 'ModelError' })
    respond = (res) => res.end('data: {"error":{"message":"overloaded"}}\n\n')
    await rejects(answerer().answer('green tea'), /broke off/)
    respond = (res) => res.end('data: [DONE]\n\n')
    await rejects(answerer().answer('green tea'), /empty/)
  })

  it('reads events however they are cut', async () => {
    const source = Buffer.from('event: a\r\ndata: é1\r\n\r\n: note\n\ndata: 2\ndata: 3\n\ndata: 4')
    for (let size = 1; size <= source.length; size += 1) {
      const read = []
      for await (const event of eventsOf(pieces(source, size))) read.push(event)
      deepEqual(read, [
        { event: 'a', data: 'é1' },
        { event: 'message', data: '2\n3' },
        { event: 'message', data: '4' },
      ])
    }
    ok(source.length > 10)
  })
})

async function* pieces(source: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.length; at += size) yield source.subarray(at, at + size)
}
