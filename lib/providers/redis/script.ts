import { createHash } from 'node:crypto'
import { type Argument, command } from './command.ts'
import type { Client } from './open-client.ts'
import { each, type Step } from './together.ts'

/** A Lua script with the shape of its keys, its arguments and its parsed reply. */
export interface Script<Keys extends readonly string[], Args extends readonly Argument[], Reply> {
  readonly lua: string
  readonly sha: string
  readonly parse: (raw: unknown) => Reply
  /** Its reply comes as bytes: it may hold any. */
  readonly binary: boolean
  /** Never set: carries the types. */
  readonly _?: { keys: Keys; args: Args }
}

/** Declares a script next to the TypeScript that calls it. */
export function script<Keys extends readonly string[], Args extends readonly Argument[], Reply>(
  lua: string,
  parse: (raw: unknown) => Reply,
  { binary = false }: { readonly binary?: boolean } = {},
): Script<Keys, Args, Reply> {
  return { lua, sha: createHash('sha1').update(lua).digest('hex'), parse, binary }
}

/**
 * Runs a script by its digest, sending the source only when the server has not seen it. Nothing is
 * defined on the client.
 */
export function run<Keys extends readonly string[], Args extends readonly Argument[], Reply>(
  client: Client,
  { lua, sha, parse }: Script<Keys, Args, Reply>,
  keys: NoInfer<Keys>,
  args: NoInfer<Args>,
): Promise<Reply> {
  const read = (raw: unknown) => parse(answered(raw))
  const send = (name: 'evalsha' | 'eval', text: string) =>
    command(client, name, [text, keys.length, ...keys, ...args])
  return send('evalsha', sha).then(read, (error: unknown) => {
    if (!isMissing(error)) throw error
    return send('eval', lua).then(read)
  })
}

/**
 * Runs a script and, without waiting for it, steps that come after it: in one write where there is
 * one server. Where the server has not seen the script, all are sent once more.
 *
 * @throws the first error.
 */
export async function runWith<
  Keys extends readonly string[],
  Args extends readonly Argument[],
  Reply,
>(
  client: Client,
  { lua, sha, parse, binary }: Script<Keys, Args, Reply>,
  keys: NoInfer<Keys>,
  args: NoInfer<Args>,
  steps: readonly Step[],
): Promise<{ readonly reply: Reply; readonly replies: readonly unknown[] }> {
  const send = (name: 'evalsha' | 'eval', script: string) =>
    each(client, [
      [binary ? `${name}Buffer` : name, script, keys.length, ...keys, ...args],
      ...steps,
    ])
  const [raw, ...replies] = await send('evalsha', sha).catch((error: unknown) => {
    if (!isMissing(error)) throw error
    return send('eval', lua)
  })
  return { reply: parse(answered(raw)), replies }
}

/** Within a transaction that the client's owner has begun, a script has run no line yet. */
function answered(reply: unknown): unknown {
  if (reply === 'QUEUED' || (reply instanceof Buffer && queued.equals(reply)))
    throw new Error('The client is in a transaction of its owner')
  return reply
}

const queued = Buffer.from('QUEUED')

function isMissing(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}
