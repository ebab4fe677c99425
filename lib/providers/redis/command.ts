import { Command, Redis } from 'ioredis'
import { type Client, isCluster } from './open-client.ts'

/** What a command may be told. */
export type Argument = string | number | Buffer

/** A command by the name of the client's method: with `Buffer` behind it, its reply comes as bytes. */
export function command(
  client: Client,
  method: string,
  args: readonly Argument[],
): Promise<unknown> {
  if (!isPlain(client)) return byMethod(client, method, args)
  const isBinary = method.endsWith('Buffer')
  const name = isBinary ? method.slice(0, -'Buffer'.length) : method
  const made = new Command(name, [], { replyEncoding: isBinary ? null : 'utf8' })
  // What it is made with, the driver flattens: at a high price a piece, and none of these is a list.
  made.args = [...args]
  made.stringifyArguments()
  return client.sendCommand(made) as Promise<unknown>
}

/** Whether a command leaves as it is made: nothing of what the owner of a client may have set changes it. */
function isPlain(client: Client): client is Redis {
  if (!(client instanceof Redis) || isCluster(client)) return false
  const { keyPrefix, enableAutoPipelining, showFriendlyErrorStack } = client.options
  return !keyPrefix && !enableAutoPipelining && !showFriendlyErrorStack
}

function byMethod(client: Client, method: string, args: readonly Argument[]): Promise<unknown> {
  const named = client as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  const sent = named[method]?.(...args)
  if (sent === undefined) throw new TypeError(`The driver knows no ${method}`)
  return sent
}
