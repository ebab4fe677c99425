import type { ServerResponse } from 'node:http'
import type { Live } from '../lib/cache/live.ts'

/**
 * Lets the handler go on at the pace of those who read along, where its own client takes little or
 * nothing. What that one has not taken waits in its response: at most `maxBytes`, since the pace is
 * its own again once the answer is larger.
 */
export function paceByReaders(res: ServerResponse, live: Live): void {
  const { write } = res
  const flows = (): boolean => live.readers > 0 && live.joinable && !live.ended
  Object.assign(res, {
    write: (...args: unknown[]): boolean => {
      const went: boolean = Reflect.apply(write, res, args)
      return went || flows()
    },
  })
  live.onReader(() => {
    // Whoever was told to wait by then goes on.
    if (res.writableNeedDrain && flows()) res.emit('drain')
  })
}
