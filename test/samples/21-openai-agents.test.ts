import { deepEqual } from 'node:assert/strict'
import { Agent, setTracingDisabled } from '@openai/agents-core'
import { before, it } from 'mocha'
import { ask, askInstead } from '../../examples/samples/21-openai-agents.ts'
import { serveMemories } from '../support/memories.ts'
import { ScriptedAgentModel, saidByAgent } from '../support/scripted-agent-model.ts'
import { onEachProvider } from './on-each.ts'

onEachProvider('21-openai-agents', ({ store }) => {
  before(() => setTracingDisabled(true))

  it('asks with what was said before, and takes back what was asked last', async () => {
    const memories = await serveMemories(await store())
    const model = new ScriptedAgentModel([
      [saidByAgent('At nine.')],
      [saidByAgent('At five.')],
      [saidByAgent('On Sundays too.')],
    ])
    const agent = new Agent({ name: 'librarian', instructions: 'help', model })
    const said = await memories.ann(async (memory) => [
      await ask(memory, agent, 'When do you open?'),
      await ask(memory, agent, 'And close?'),
      await askInstead(memory, agent, 'Each day?'),
    ])
    deepEqual(said, ['At nine.', 'At five.', 'On Sundays too.'])
    const questions = model.asked.map((items) =>
      items.flatMap((item) =>
        'content' in item && 'role' in item && item.role === 'user' ? [item.content] : [],
      ),
    )
    deepEqual(questions, [
      ['When do you open?'],
      ['When do you open?', 'And close?'],
      ['When do you open?', 'Each day?'],
    ])
    await memories.close()
  })
})
