import { type Fields, fields, filled, list, ours, repeated } from './fields.ts'

/** What OpenAI's chat would refuse in these messages, by the rules of its reference. */
export function openAiFaults(messages: readonly unknown[]): string[] {
  const faults: string[] = []
  let open = new Set<unknown>()
  for (const [at, each] of messages.entries()) {
    const message = fields(each)
    const found = faultsOf(message)
    if (message['role'] === 'tool') {
      if (!open.delete(message['tool_call_id'])) found.push('answers no call of the message before')
    } else {
      if (open.size > 0) found.push('comes before all calls are answered')
      open = new Set(list(message['tool_calls']).map(({ id }) => id))
    }
    faults.push(...found.map((fault) => `${at}: ${fault}`))
  }
  return open.size > 0 ? [...faults, 'the last calls are not answered'] : faults
}

function faultsOf(message: Fields): string[] {
  const faults = [...ours(message, 'id', 'createdAt', 'format', 'status', 'parts', 'type')]
  switch (message['role']) {
    case 'system':
    case 'developer':
    case 'user':
    case 'tool':
      return [...faults, ...contentFaults(message)]
    case 'assistant':
      return [...faults, ...assistantFaults(message)]
    default:
      return [...faults, `has the role ${String(message['role'])}`]
  }
}

const partTypes: Readonly<Record<string, readonly unknown[]>> = {
  user: ['text', 'image_url', 'input_audio', 'file'],
  assistant: ['text', 'refusal'],
}

function contentFaults({ role, content }: Fields): string[] {
  if (typeof content === 'string') return []
  if (!Array.isArray(content) || content.length === 0) return ['has no content']
  const known = partTypes[String(role)] ?? ['text']
  return list(content).flatMap(({ type, text }) => {
    if (!known.includes(type)) return [`has a part of type ${String(type)}`]
    return type === 'text' && (typeof text !== 'string' || text === '') ? ['has an empty text'] : []
  })
}

function assistantFaults(message: Fields): string[] {
  const { content, tool_calls: calls, refusal } = message
  const called = list(calls)
  const faults = calls === undefined ? [] : called.flatMap(callFaults)
  if (calls !== undefined && called.length === 0) faults.push('has an empty list of calls')
  if (repeated(called.map(({ id }) => id)).length > 0) faults.push('has a call twice')
  if (content === null || content === undefined) {
    if (called.length === 0 && !filled(refusal)) faults.push('says nothing')
    return faults
  }
  if (content === '' && called.length === 0) faults.push('says nothing')
  return [...faults, ...contentFaults(message)]
}

function callFaults(call: Fields): string[] {
  const { id, type } = call
  const called = fields(call[String(type)])
  const input = type === 'custom' ? called['input'] : called['arguments']
  const whole = filled(id) && filled(called['name']) && typeof input === 'string'
  return whole ? [] : ['has a call that is not whole']
}
