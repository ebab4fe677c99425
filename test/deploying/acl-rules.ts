import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { root } from '../support/source-files.ts'

/** How the user in docs/deploying.md signs in. */
export const signIn: { readonly username: string; readonly password: string } = {
  username: 'memoryware',
  password: 'secret',
}

/** The blocks of rules in docs/deploying.md, each by a word that only it has. */
const words = {
  base: '+evalsha',
  newer: '+client|setinfo',
  prefix: 'resetkeys',
  cluster: '+asking',
  messages: '&news:*',
  scan: '+scan',
  inside: '+slowlog|get',
  database: '+select',
  sentinel: '+sentinel|sentinels',
} as const

/** Names a block of rules. */
export type BlockName = keyof typeof words

/** Lines of rules, each the words of a command. */
export type Rules = readonly (readonly string[])[]

/** The lines of blocks in docs/deploying.md. */
export async function rules(...names: readonly BlockName[]): Promise<Rules> {
  const page = await readFile(join(root, 'docs/deploying.md'), 'utf8')
  const blocks = [...page.matchAll(/```\n(ACL SETUSER [^`]*)```/g)].map(([, text = '']) =>
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' ')),
  )
  if (blocks.length !== Object.keys(words).length) throw new Error('A block has no name here')
  return names.flatMap((name) => {
    const found = blocks.find((lines) => lines.flat().includes(words[name]))
    if (found === undefined) throw new Error(`No block has ${words[name]}`)
    return found
  })
}

/** The rights that rules give: `+get` is `get`. */
export function rightsIn(given: Rules): string[] {
  return given.flat().flatMap((word) => (word.startsWith('+') ? [word.slice(1)] : []))
}

/** Makes the user on a server, with a fresh log and fresh statistics. */
export async function introduce(admin: Redis, given: Rules): Promise<void> {
  await admin.ping()
  await apply(admin, given)
  const newer = await rules('newer')
  // Of a block for newer servers: an older one does not know the command.
  const [known] = (await admin.call('COMMAND', 'INFO', ...rightsIn(newer))) as unknown[]
  if (known) await apply(admin, newer)
  await admin.call('ACL', 'LOG', 'RESET')
  await admin.config('RESETSTAT')
}

/** Sends rules to a server, as they stand. */
export async function apply(admin: Redis, given: Rules): Promise<void> {
  for (const [command = '', ...rest] of given) await admin.call(command, ...rest)
}

/** What a server has refused: reason and object, such as `command get`. */
export async function refusals(admin: Redis): Promise<string[]> {
  const log = (await admin.call('ACL', 'LOG')) as unknown[][]
  return log.map((fields) => {
    const field = (name: string) => String(fields[fields.indexOf(name) + 1])
    return `${field('reason')} ${field('object')}`
  })
}

/** Commands that were called since the statistics began. */
export async function called(admin: Redis): Promise<string[]> {
  const text = await admin.info('commandstats')
  return [...text.matchAll(/cmdstat_([^:]+):/g)].map(([, name = '']) => name)
}
