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
  // A copy, also where nobody else has them: an array put together of others makes all behind it slower.
  made.args = [...args]
  made.stringifyArguments()
  return client.sendCommand(made) as Promise<unknown>
}

type Piece = string | Buffer

/** Leaves as the driver's own does, but is put together from fewer pieces: each takes its time. */
class QuickCommand extends Command {
  override toWritable(): Piece {
    // Numbers are text by now.
    const args = this.args as readonly Piece[]
    // Nearly always: then so many characters are so many bytes, and that is asked once.
    const pieces = piecesOf(this.name, args, lengthOf)
    if (pieces.every(isAscii)) return joined(pieces, lengthOf, 'latin1')
    return joined(piecesOf(this.name, args, byteLengthOf), byteLengthOf, 'utf8')
  }
}

type Length = (piece: Piece) => number

function lengthOf(piece: Piece): number {
  return piece.length
}

function byteLengthOf(piece: Piece): number {
  return Buffer.byteLength(piece)
}

function isAscii(piece: Piece): boolean {
  return typeof piece !== 'string' || Buffer.byteLength(piece) === piece.length
}

/** What is sent: bytes as they came, and all text between them in one. */
function piecesOf(name: string, args: readonly Piece[], length: Length): Piece[] {
  const pieces: Piece[] = []
  let text = `*${args.length + 1}${header(name.length)}${name}`
  for (const arg of args) {
    const head = header(length(arg))
    if (typeof arg === 'string') text += head + arg
    else {
      pieces.push(text + head, arg)
      text = ''
    }
  }
  pieces.push(`${text}\r\n`)
  return pieces
}

// Of each piece of text that is put to another, V8 makes an object.
const headers = Array.from({ length: 128 }, (_, length) => `\r\n$${length}\r\n`)

/** Ends what stands before an argument, and tells its length. */
function header(length: number): string {
  return headers[length] ?? `\r\n$${length}\r\n`
}

function joined(pieces: readonly Piece[], length: Length, encoding: 'latin1' | 'utf8'): Piece {
  const [first = ''] = pieces
  if (pieces.length === 1) return first
  let size = 0
  for (const piece of pieces) size += length(piece)
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const piece of pieces) {
    if (typeof piece === 'string') at += bytes.write(piece, at, encoding)
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
