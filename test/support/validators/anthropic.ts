import { type Fields, fields, filled, list, repeated } from './fields.ts'

/** What Anthropic would refuse in these messages, by the rules of its reference. */
export function anthropicFaults(input: readonly unknown[]): string[] {
  const messages = input.map(fields)
  const faults = messages.flatMap((message, at) => {
    const before = messages[at - 1]
    const found = [
      ...shapeFaults(message),
      ...resultFaults(message, before),
      ...endFaults(message, at === messages.length - 1),
    ]
    if (message['role'] === before?.['role']) found.push('has the role of the one before')
    return found.map((fault) => `${at}: ${fault}`)
  })
  if (messages.length > 0 && messages[0]?.['role'] !== 'user')
    faults.push('the first is not the user')
  const ids = messages.flatMap(usesOf)
  if (repeated(ids).length > 0) faults.push('a call has an id that was used')
  const last = messages.at(-1)
  return last && usesOf(last).length > 0 ? [...faults, 'the last calls are not answered'] : faults
}

function blocks({ content }: Fields): readonly Fields[] {
  return list(content)
}

function usesOf(message: Fields): unknown[] {
  return blocks(message).flatMap(({ type, id }) => (type === 'tool_use' ? [id] : []))
}

function shapeFaults(message: Fields): string[] {
  const extra = Object.keys(message).filter((name) => name !== 'role' && name !== 'content')
  const faults = extra.map((name) => `has ${name}`)
  const { role, content } = message
  if (role !== 'user' && role !== 'assistant') faults.push(`has the role ${String(role)}`)
  if (typeof content === 'string') return filled(content) ? faults : [...faults, 'has no content']
  if (blocks(message).length === 0) return [...faults, 'has no content']
  return [...faults, ...blocks(message).flatMap((block) => blockFaults(block, role))]
}

function blockFaults(block: Fields, role: unknown): string[] {
  switch (block['type']) {
    case 'text':
      return filled(block['text']) ? [] : ['has an empty text']
    case 'tool_use':
      return role === 'assistant' ? useFaults(block) : ['has a call of a user']
    case 'tool_result': {
      const texts = list(block['content']).filter((part) => part['type'] === 'text')
      return texts.every(({ text }) => filled(text)) ? [] : ['has an empty text in a result']
    }
    case 'thinking':
      return filled(block['signature']) ? [] : ['has thinking that is not signed']
    default:
      return known.has(block['type']) ? [] : [`has a block of type ${String(block['type'])}`]
  }
}

const known = new Set<unknown>([
  'image',
  'document',
  'redacted_thinking',
  'server_tool_use',
  'web_search_tool_result',
])

function useFaults({ id, name, input }: Fields): string[] {
  const whole = filled(name) && typeof input === 'object' && input !== null && !Array.isArray(input)
  return whole && /^[\w-]+$/.test(String(id)) ? [] : ['has a call that is not whole']
}

/** Results stand first, and answer each call of the message before exactly once. */
function resultFaults(message: Fields, before: Fields | undefined): string[] {
  const all = blocks(message)
  const results = all.filter(({ type }) => type === 'tool_result')
  const given = results.map((block) => block['tool_use_id'])
  const asked = before ? usesOf(before) : []
  const faults: string[] = []
  if (all.slice(0, results.length).some(({ type }) => type !== 'tool_result'))
    faults.push('has something before its results')
  if (given.some((id) => !asked.includes(id))) faults.push('answers no call')
  if (asked.some((id) => !given.includes(id))) faults.push('does not answer all calls')
  if (repeated(given).length > 0) faults.push('answers a call twice')
  return faults
}

function endFaults(message: Fields, last: boolean): string[] {
  if (message['role'] !== 'assistant') return []
  const all = blocks(message)
  const faults: string[] = []
  if (['thinking', 'redacted_thinking'].includes(String(all.at(-1)?.['type'])))
    faults.push('ends with thinking')
  const served = all.flatMap(({ type, id }) => (type === 'server_tool_use' ? [id] : []))
  const given = all.map((block) => block['tool_use_id'])
  if (!last && served.some((id) => !given.includes(id)))
    faults.push("has a call of the server's without its result")
  return faults
}
