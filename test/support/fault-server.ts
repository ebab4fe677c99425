import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * Serves an app of the fault table in a process of its own, and tells the parent its URL.
 *
 * `GET /?rss` is answered before the app is asked, so that memory can be watched while the app hangs.
 * SIGTERM: what is under way is answered, `close` runs, and the process ends with 0.
 */
export async function serveForked(app: RequestListener, close: () => unknown): Promise<void> {
  const server = createServer((req, res) => {
    if (!/[?&]rss\b/.test(req.url ?? '')) return void app(req, res)
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify(process.memoryUsage.rss()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.once('SIGTERM', async () => {
    const closed = once(server, 'close')
    server.close()
    // A connection that was busy just now would else be kept for the next request of its client.
    const idle = setInterval(() => server.closeIdleConnections(), 10)
    await closed
    clearInterval(idle)
    await close()
    process.exit(0)
  })
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}
