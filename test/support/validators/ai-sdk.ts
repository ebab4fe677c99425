import { type Fields, fields, filled, list, ours, repeated } from './fields.ts'

/** What the AI SDK, or a provider behind it, would refuse in these UI messages. */
export function aiSdkFaults(input: readonly unknown[]): string[] {
  const messages = input.map(fields)
  const faults = messages.flatMap((message, at) =>
    messageFaults(message, at === messages.length - 1).map((fault) => `${at}: ${fault}`),
  )
  if (repeated(messages.map(({ id }) => id)).length > 0) faults.push('has an id twice')
  return faults
}

function messageFaults(message: Fields, last: boolean): string[] {
  const faults = [...ours(message, 'createdAt', 'format', 'status', 'content', 'tool_calls')]
  const { id, role } = message
  const parts = list(message['parts'])
  if (!filled(id)) faults.push('has no id')
  if (role !== 'user' && role !== 'assistant') faults.push(`has the role ${String(role)}`)
  if (parts.length === 0) faults.push('has no parts')
  if (parts.every(({ type }) => type === 'step-start')) faults.push('says nothing')
  const calls = parts.flatMap((part) => part['toolCallId'] ?? [])
  if (repeated(calls).length > 0) faults.push('has a call twice')
  return [...faults, ...parts.flatMap((part) => partFaults(part, last)), ...stepFaults(parts)]
}

function partFaults(part: Fields, last: boolean): string[] {
  const type = String(part['type'])
  if (part['state'] === 'streaming') return ['has a part that is still under way']
  if (type === 'text') return part['text'] ? [] : ['has an empty text']
  if (type !== 'dynamic-tool' && !type.startsWith('tool-')) return []
  return filled(part['toolCallId']) ? stateFaults(part, last) : ['has a call without an id']
}

function stateFaults(part: Fields, last: boolean): string[] {
  switch (part['state']) {
    case 'output-available':
      return part['output'] === undefined ? ['has a result without output'] : []
    case 'output-error':
      return filled(part['errorText']) ? [] : ['has an error without a text']
    case 'output-denied':
      return fields(part['approval'])['approved'] === false ? [] : ['has a denial by nobody']
    case 'approval-responded':
      return last ? [] : ['has a call in no final state']
    default:
      return ['has a call in no final state']
  }
}

/** A step in which is only reasoning gives a model reasoning that nothing follows. */
function stepFaults(parts: readonly Fields[]): string[] {
  const steps: Fields[][] = [[]]
  for (const part of parts) {
    if (part['type'] === 'step-start') steps.push([])
    else steps.at(-1)?.push(part)
  }
  const idle = steps.some(
    (step) => step.length > 0 && step.every(({ type }) => type === 'reasoning'),
  )
  return idle ? ['has a step of reasoning only'] : []
}
