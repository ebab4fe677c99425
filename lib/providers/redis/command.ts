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
  const made = new QuickCommand(name, [], { replyEncoding: isBinary ? null : 'utf8' })
  // What it is made with, the driver flattens: at a high price a piece, and none of these is a list.
  made.args = [...args]
  made.stringifyArguments()
  return client.sendCommand(made) as Promise<unknown>
}

/** Leaves as the driver's own does, but is put together from fewer pieces: each takes its time. */
class QuickCommand extends Command {
  override toWritable(): string | Buffer {
    // Numbers are text by now.
    const args = this.args as readonly (string | Buffer)[]
    const pieces: (string | Buffer)[] = []
    let text = `*${args.length + 1}\r\n$${this.name.length}\r\n${this.name}\r\n`
    for (const arg of args) {
      if (typeof arg === 'string') {
        text += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`
        continue
      }
      pieces.push(`${text}$${arg.length}\r\n`, arg)
      text = '\r\n'
    }
    return pieces.length === 0 ? text : joined([...pieces, text])
  }
}

function joined(pieces: readonly (string | Buffer)[]): Buffer {
  let size = 0
  for (const piece of pieces) size += Buffer.byteLength(piece)
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const piece of pieces) {
    if (typeof piece === 'string') at += bytes.write(piece, at)
    else {
      bytes.set(piece, at)
      at += piece.length
    }
  }
  return bytes
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
