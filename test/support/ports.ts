import { randomInt } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** A port of 127.0.0.1 that no other test takes until it is given back. */
export interface HeldPort {
  readonly port: number
  giveBack(): void
}

/**
 * Holds a port that nobody listens on now, also while its server is killed or not yet started.
 *
 * It lies below those that systems hand out to connections (from 32768 on, Linux), and so does the
 * port of a cluster's bus, 10000 above.
 */
export async function holdPort(): Promise<HeldPort> {
  for (let attempt = 1; attempt <= 100; attempt += 1) {
    const port = 12_000 + randomInt(10_000)
    const holder = await bindUdp(port)
    if (holder === undefined) continue
    const giveBack = closing(holder)
    if (await canListen(port)) return { port, giveBack }
    giveBack()
  }
  throw new Error('Found no free port between 12000 and 21999')
}

/** A port of 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  const { port, giveBack } = await holdPort()
  giveBack()
  return port
}

/** The UDP port of the same number stands for it: no TCP client can reach it, and it ends with us. */
async function bindUdp(port: number): Promise<Socket | undefined> {
  const socket = createSocket('udp4')
  socket.unref()
  socket.bind({ port, address: '127.0.0.1', exclusive: true })
  try {
    await once(socket, 'listening')
    return socket
  } catch {
    return undefined // Another test has it.
  }
}

/** Closes it once: a server may be stopped twice. */
function closing(socket: Socket): () => void {
  let open = true
  return () => {
    if (open) socket.close()
    open = false
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
