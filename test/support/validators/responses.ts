import { type Fields, fields, filled, list, ours, repeated } from './fields.ts'

const outputs: Readonly<Record<string, string>> = {
  function_call: 'function_call_output',
  custom_tool_call: 'custom_tool_call_output',
  computer_call: 'computer_call_output',
  shell_call: 'shell_call_output',
}

const answers = new Set<unknown>(Object.values(outputs))

/** What OpenAI's Responses API would refuse in this input, by the rules of its reference. */
export function responsesFaults(input: readonly unknown[]): string[] {
  const items = input.map(fields)
  const faults = items.flatMap((item, at) => itemFaults(item).map((fault) => `${at}: ${fault}`))
  const ids = items.flatMap(({ id }) => (typeof id === 'string' ? [id] : []))
  if (repeated(ids).length > 0) faults.push('has an item twice')
  return [...faults, ...pairFaults(items), ...reasoningFaults(items)]
}

function itemFaults(item: Fields): string[] {
  const faults = [...ours(item, 'createdAt', 'format', 'parts', 'tool_calls')]
  const { type = 'message', role, content } = item
  if (type === 'message') {
    const known = ['system', 'developer', 'user', 'assistant'].includes(String(role))
    return [...faults, ...(known ? [] : [`has the role ${role}`]), ...contentFaults(content)]
  }
  if (typeof type !== 'string') return [...faults, 'has no type']
  if (role !== undefined) faults.push('is no message, but has a role')
  return isWhole(item) ? faults : [...faults, `is a ${type} that is not whole`]
}

function isWhole(item: Fields): boolean {
  const { output } = item
  switch (item['type']) {
    case 'function_call':
      return (
        filled(item['call_id']) && filled(item['name']) && typeof item['arguments'] === 'string'
      )
    case 'function_call_output':
      return filled(item['call_id']) && (typeof output === 'string' || Array.isArray(output))
    case 'reasoning':
      return filled(item['id']) && Array.isArray(item['summary'])
    default:
      return true
  }
}

const parts: readonly unknown[] = [
  'input_text',
  'input_image',
  'input_file',
  'output_text',
  'refusal',
]

function contentFaults(content: unknown): string[] {
  if (typeof content === 'string') return content === '' ? ['has no content'] : []
  if (list(content).length === 0) return ['has no content']
  return list(content).flatMap(({ type, text }) => {
    if (!parts.includes(type)) return [`has a part of type ${String(type)}`]
    return String(type).endsWith('_text') && !filled(text) ? ['has an empty text'] : []
  })
}

function pairFaults(items: readonly Fields[]): string[] {
  const calls = items.filter(({ type }) => outputs[String(type)] !== undefined)
  const given = items.filter(({ type }) => answers.has(type))
  const open = new Map(calls.map((call) => [call['call_id'], call]))
  const faults = open.size < calls.length ? ['calls by an id that was used'] : []
  for (const answer of given) {
    const call = open.get(answer['call_id'])
    open.delete(answer['call_id'])
    if (call === undefined || items.indexOf(call) > items.indexOf(answer))
      faults.push('answers no call before it')
    else if (outputs[String(call['type'])] !== answer['type'])
      faults.push('answers a call of another type')
  }
  return open.size > 0 ? [...faults, 'a call is not answered'] : faults
}

function reasoningFaults(items: readonly Fields[]): string[] {
  return items.flatMap(({ type }, at) => {
    if (type !== 'reasoning') return []
    const next = items.slice(at + 1).find((item) => item['type'] !== 'reasoning')
    const own = next?.['role'] === 'assistant' || String(next?.['type']).endsWith('_call')
    return own ? [] : [`${at}: reasoning is not followed by its item`]
  })
}
