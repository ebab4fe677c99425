import assert from 'node:assert/strict'
import {
  Agent,
  type AgentInputItem,
  MemorySession,
  Runner,
  type Session,
  setTracingDisabled,
  tool,
} from '@openai/agents-core'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { z } from 'zod'
import { openaiSession } from '../../adapters/openai-agents.ts'
import type { Memory, Store } from '../../lib/index.ts'
import { type Memories, serveMemories } from '../support/memories.ts'
import {
  type AgentOutput,
  ScriptedAgentModel,
  saidByAgent,
} from '../support/scripted-agent-model.ts'
import { bothProviders } from '../support/stores.ts'
import { faultsIn, forms } from '../support/validators/faults.ts'

const asked = (callId: string): AgentOutput => [
  {
    type: 'reasoning',
    id: `rs_${callId}`,
    content: [{ type: 'input_text', text: 'hm' }],
    providerData: { encrypted_content: 'secret' },
  },
  {
    type: 'function_call',
    callId,
    name: 'weather',
    arguments: '{"city":"Rome"}',
    status: 'completed',
  },
]

const outputs = (): AgentOutput[] => [
  asked('call_1'),
  [saidByAgent('Sunny.')],
  [saidByAgent('You asked for Rome.')],
  asked('call_2'),
  [saidByAgent('Still sunny.')],
]

const weather = tool({
  name: 'weather',
  description: 'Tells the weather.',
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => ({ city, sky: 'blue' }),
})

/** Three turns, with tools in two of them; gives what the model was asked. */
async function converse(session: Session, stream: boolean): Promise<AgentInputItem[][]> {
  const model = new ScriptedAgentModel(outputs())
  const agent = new Agent({ name: 'guide', instructions: 'be kind', model, tools: [weather] })
  const runner = new Runner({ tracingDisabled: true })
  const texts: unknown[] = []
  for (const input of ['The weather?', 'What did I ask?', 'And now?']) {
    if (stream) {
      const result = await runner.run(agent, input, { session, stream: true })
      for await (const _ of result);
      await result.completed
      texts.push(result.finalOutput)
    } else texts.push((await runner.run(agent, input, { session })).finalOutput)
  }
  assert.deepEqual(texts, ['Sunny.', 'You asked for Rome.', 'Still sunny.'])
  return model.asked
}

/** Items of all kinds, as the SDK hands them to a session. */
const items: AgentInputItem[] = [
  { role: 'system', content: 'be kind' },
  { role: 'user', content: 'hello' },
  {
    type: 'message',
    role: 'user',
    content: [
      { type: 'input_text', text: 'look' },
      { type: 'input_image', image: 'https://example.org/a.png', detail: 'low' },
      { type: 'input_image', image: { id: 'file_1' } },
      { type: 'input_file', file: { url: 'https://example.org/a.pdf' }, filename: 'a.pdf' },
      { type: 'input_file', file: 'data:application/pdf;base64,aGk=' },
      { type: 'audio', audio: 'aGk=', format: 'wav' },
    ],
  },
  {
    type: 'hosted_tool_call',
    id: 'ws_1',
    name: 'web_search_call',
    status: 'completed',
    providerData: { type: 'web_search_call', action: { type: 'search', query: 'x' } },
  },
  ...(asked('c1') as AgentInputItem[]),
  {
    type: 'function_call_result',
    callId: 'c1',
    name: 'weather',
    status: 'completed',
    output: 'blue',
  },
  {
    type: 'function_call',
    callId: 'c2',
    name: 'weather',
    arguments: '{}',
    namespace: 'n',
    id: 'fc_2',
  },
  {
    type: 'function_call_result',
    callId: 'c2',
    name: 'weather',
    status: 'completed',
    output: { type: 'text', text: 'grey' },
  },
  { type: 'function_call', callId: 'c3', name: 'weather', arguments: '{}' },
  {
    type: 'function_call_result',
    callId: 'c3',
    name: 'weather',
    status: 'completed',
    output: [
      { type: 'input_text', text: 'white' },
      { type: 'input_image', image: 'data:image/png;base64,aGk=' },
    ],
  },
  {
    type: 'computer_call',
    callId: 'c4',
    status: 'completed',
    action: { type: 'click', x: 1, y: 2, button: 'left' },
  },
  {
    type: 'computer_call_result',
    callId: 'c4',
    output: { type: 'computer_screenshot', data: 'data:image/png;base64,aGk=' },
  },
  { type: 'shell_call', callId: 'c5', action: { commands: ['ls'], timeoutMs: 5 } },
  {
    type: 'shell_call_output',
    callId: 'c5',
    output: [{ stdout: 'a', stderr: '', outcome: { type: 'exit', exitCode: 0 } }],
  },
  {
    type: 'message',
    role: 'assistant',
    status: 'completed',
    id: 'msg_1',
    content: [
      {
        type: 'output_text',
        text: 'done',
        providerData: { annotations: [{ type: 'url_citation' }] },
      },
      { type: 'refusal', refusal: 'no more' },
    ],
    providerData: { phase: 'final' },
  },
]

for (const stores of bothProviders()) {
  describe(`a session of the OpenAI Agents SDK over ${stores.name}`, () => {
    let store: Store
    let memories: Memories

    before(() => {
      setTracingDisabled(true)
      return stores.start()
    })
    beforeEach(async () => {
      store = await stores.empty()
      memories = await serveMemories(store)
    })
    afterEach(() => memories.close())
    after(() => stores.stop())

    const ann = <T>(task: (session: Session, memory: Memory) => Promise<T>) =>
      memories.ann((memory) => task(openaiSession(memory), memory))

    it('gives items back as they came in', async () => {
      await ann((session) => session.addItems(items))
      assert.deepEqual(await ann((session) => session.getItems()), items)
      assert.deepEqual(await ann((session) => session.getItems(100)), items)
      assert.deepEqual(await ann((session) => session.getItems(3)), items.slice(-3))
      assert.deepEqual(await ann((session) => session.getItems(0)), [])
    })

    it('gives every provider a conversation that it takes', async () => {
      await ann((session) => session.addItems(items))
      for (const as of forms) {
        const { messages } = await ann((_, memory) => memory.context({ as }))
        assert.deepEqual(faultsIn[as](messages), [], as)
        const text = JSON.stringify(messages)
        assert.match(text, /hello.*look.*done/, as)
        assert.doesNotMatch(text, /agents|callId"|providerData":\{"phase/, as)
      }
    })

    for (const stream of [false, true]) {
      it(`answers as the SDK's own session does, ${stream ? 'streamed' : 'at once'}`, async () => {
        const own = new MemorySession()
        const expected = await converse(own, stream)
        const found = await ann((session) => converse(session, stream))
        assert.deepEqual(found, expected)
        assert.deepEqual(await ann((session) => session.getItems()), await own.getItems())
      })
    }

    it('has the id of the session', async () => {
      assert.equal(await ann((session) => session.getSessionId()), 'default')
    })

    it('appends all items at once, or none', async () => {
      const large: AgentInputItem = { role: 'user', content: 'x'.repeat(100_000) }
      await ann(async (session, memory) => {
        await session.addItems([])
        assert.equal(await memory.info(), undefined)
        await session.addItems(items)
        assert.equal((await memory.info())?.rev, 1)
        await assert.rejects(session.addItems([{ role: 'user', content: 'a' }, large]), {
          status: 413,
        })
        assert.equal((await memory.info())?.rev, 1)
      })
    })

    it('gives the end of a conversation, from the beginning of a turn', async () => {
      const turn = (at: number): AgentInputItem[] => [
        { role: 'user', content: `q${at}` },
        ...(asked(`c${at}`) as AgentInputItem[]),
        {
          type: 'function_call_result',
          callId: `c${at}`,
          name: 'weather',
          status: 'completed',
          output: 'x',
        },
        saidByAgent(`a${at}`) as AgentInputItem,
      ]
      const turns = Array.from({ length: 20 }, (_, at) => turn(at)).flat()
      await ann((session) => session.addItems(turns))
      const found = await memories.ann((memory) =>
        openaiSession(memory, { messages: 14 }).getItems(),
      )
      assert.deepEqual(found, turns.slice(-10))
      assert.deepEqual(await ann((session) => session.getItems(50)), turns.slice(-50))
    })

    it('gives each call a result, and no result without its call', async () => {
      const found = await ann(async (session) => {
        await session.addItems([
          { role: 'user', content: 'a' },
          {
            type: 'function_call_result',
            callId: 'c0',
            name: 'x',
            status: 'completed',
            output: 'o',
          },
          ...(asked('c1') as AgentInputItem[]),
          { role: 'user', content: 'b' },
        ])
        return session.getItems()
      })
      assert.deepEqual(
        found.map((item) => item.type ?? item),
        [
          { role: 'user', content: 'a' },
          'reasoning',
          'function_call',
          'function_call_result',
          { role: 'user', content: 'b' },
        ],
      )
      assert.deepEqual(found[3], {
        type: 'function_call_result',
        name: 'weather',
        callId: 'c1',
        status: 'completed',
        output: 'The call was interrupted: it has no result.',
      })
    })

    it('pops the last item, and nothing else, while others write', async () => {
      const popped = await ann(async (session, memory) => {
        await session.addItems([...items.slice(0, 2), ...items.slice(-2)])
        const first = await session.popItem()
        const [second] = await Promise.all([session.popItem(), memory.set({ title: 'x' })])
        return [first, second]
      })
      assert.deepEqual(popped, items.slice(-2).reverse())
      const left = await ann((session) => session.getItems())
      assert.deepEqual(left, items.slice(0, 2))
      await ann(async (session) => {
        assert.deepEqual(await session.popItem(), items[1])
        assert.deepEqual(await session.popItem(), items[0])
        assert.equal(await session.popItem(), undefined)
      })
    })

    it('pops each item once, whoever pops', async () => {
      const texts = Array.from({ length: 6 }, (_, at) => String(at))
      const popped = await ann(async (session) => {
        await session.addItems(texts.map((content) => ({ role: 'user', content })))
        return Promise.all(texts.map(() => session.popItem()))
      })
      assert.deepEqual(popped.map((item) => (item as { content: string }).content).sort(), texts)
    })

    it('reads what came in other formats', async () => {
      const found = await ann(async (session, memory) => {
        await memory.append([
          { role: 'user', parts: [{ type: 'text', text: 'a' }] },
          {
            role: 'assistant',
            content: [{ type: 'tool_use', id: 't', name: 'n', input: { x: 1 } }],
          },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'r' }] },
          { role: 'assistant', content: 'b' },
        ])
        await session.addItems([{ role: 'user', content: 'c' }])
        return [await session.getItems(), await session.getItems(10)]
      })
      const expected: AgentInputItem[] = [
        { role: 'user', content: 'a' },
        { type: 'function_call', callId: 't', name: 'n', arguments: '{"x":1}' },
        { type: 'function_call_result', callId: 't', name: 'n', status: 'completed', output: 'r' },
        { role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'b' }] },
        { role: 'user', content: 'c' },
      ]
      assert.deepEqual(found, [expected, expected])
    })

    it('forgets what is cleared', async () => {
      const found = await ann(async (session) => {
        await session.addItems(items)
        await session.clearSession()
        return session.getItems()
      })
      assert.deepEqual(found, [])
    })
  })
}
