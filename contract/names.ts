import { randomUUID } from 'node:crypto'

const run = randomUUID().slice(0, 8)
let named = 0

/** A name that no other fact uses, in this run or another: a store may keep what others left. */
export function fresh(label: string = 'key'): string {
  named += 1
  return `${label}-${run}-${named}`
}

/** Names that would break a provider which does not take them as they are. */
export const hostile: readonly string[] = [
  '*',
  '?',
  '[a-z]',
  '\\',
  '{x}',
  '{',
  '}:{',
  ':',
  'a:b:m',
  ' ',
  '\n',
  'a\0b',
  '\0',
  '|',
  '%2A',
  '"\'`',
  '__proto__',
  'constructor',
  'a',
  'key',
  'Key',
  ' key',
  'schlüssel',
  'e\u0301',
  '\u00e9',
  '🔑',
  '-1',
  'n'.repeat(1000),
]
