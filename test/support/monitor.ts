import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import type { TestServer } from './redis.ts'

/** What a server is told, as it carries it out. */
export interface Monitor {
  /** Lines of MONITOR: time, `[database client]` (of a script: `lua`), and quoted arguments. */
  readonly lines: readonly string[]
  stop(): void
}

/**
 * Watches all commands of a server without a password. Over a plain connection: the driver fails
 * where the first command comes together with the reply to its MONITOR.
 */
export async function startMonitor({ host, port }: TestServer): Promise<Monitor> {
  const socket = connect(port, host)
  await once(socket, 'connect')
  const lines: string[] = []
  const reader = createInterface({ input: socket })
  const begun = once(reader, 'line')
  socket.write('MONITOR\r\n')
  await begun
  reader.on('line', (line) => lines.push(line))
  return { lines, stop: () => socket.destroy() }
}
