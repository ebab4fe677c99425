import OpenAI from 'openai'

const { PROXY_URL: baseURL = 'http://localhost:3000/v1', PROXY_KEY: apiKey = 'demo' } = process.env
const { OPENAI_MODEL: model = 'offline' } = process.env

// The client as it is: only its address is another.
const openai = new OpenAI({ baseURL, apiKey })
const question = {
  model,
  messages: [{ role: 'user', content: 'What happens when Redis is down?' }],
  temperature: 0,
} satisfies OpenAI.ChatCompletionCreateParams

for (let asked = 0; asked < 2; asked += 1) {
  const { data, response } = await openai.chat.completions.create(question).withResponse()
  show('whole', response, data)
  process.stdout.write(`${data.choices[0]?.message.content}\n\n`)
}

for (let asked = 0; asked < 2; asked += 1) {
  const { data: chunks, response } = await openai.chat.completions
    .create({ ...question, stream: true, stream_options: { include_usage: true } })
    .withResponse()
  let last: OpenAI.ChatCompletionChunk | undefined
  for await (const chunk of chunks) {
    if (last === undefined) show('stream', response, chunk)
    process.stdout.write(chunk.choices[0]?.delta.content ?? '')
    last = chunk
  }
  process.stdout.write(`\n${last?.usage?.total_tokens} tokens\n\n`)
}

function show(how: string, { headers }: Response, { id }: { readonly id: string }): void {
  process.stdout.write(`${how}  ${headers.get('cache-status')}  ${id}\n`)
}
