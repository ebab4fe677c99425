import type { ReplyTarget } from '../../lib/index.ts'

type NodeReply = Exclude<ReplyTarget, { readonly res: unknown }>

/** A client without a socket, so that what is weighed is the stream alone. */
export interface QuietClient extends NodeReply {
  /** Events that carry data. */
  readonly pieces: number
}

/** A client that takes everything and keeps nothing. */
export function quietClient(): QuietClient {
  let closed = () => {}
  let pieces = 0
  const client = {
    statusCode: 200,
    headersSent: false,
    destroyed: false,
    writableEnded: false,
    writableLength: 0,
    get pieces() {
      return pieces
    },
    setHeader: () => {},
    write(text: string) {
      if (text.includes('delta')) pieces += 1
      return true
    },
    end() {
      client.writableEnded = true
      closed()
    },
    destroy() {
      client.destroyed = true
      closed()
    },
    once(_: 'close', listener: () => void) {
      closed = listener
    },
  }
  return client
}
