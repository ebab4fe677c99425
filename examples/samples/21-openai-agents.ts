import { type Agent, run } from '@openai/agents-core'
import type { Memory } from 'memoryware'
import { openaiSession } from 'memoryware/openai-agents'

/** Asks an agent, which knows what was said and done in this conversation. */
export async function ask(memory: Memory, agent: Agent, question: string): Promise<string> {
  const { finalOutput } = await run(agent, question, { session: openaiSession(memory) })
  return finalOutput ?? ''
}

/** Takes back the last question and what came of it, and asks another one. */
export async function askInstead(memory: Memory, agent: Agent, question: string): Promise<string> {
  const { items } = await memory.history()
  const last = items.findLast(({ role }) => role === 'user')
  if (last) await memory.rewind(last.id)
  return ask(memory, agent, question)
}
