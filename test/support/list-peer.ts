import express, { type NextFunction, type Request, type Response } from 'express'
import { Cluster, Redis } from 'ioredis'
import { serveForked } from './fault-server.ts'

/** Where the lists of the app are. What is left out is as ioredis has it. */
export type ListPeerOptions =
  | { readonly url: string }
  | {
      readonly sentinels: { readonly nodes: readonly string[]; readonly name: string }
      readonly password: string
      readonly sentinelPassword: string
    }
  | { readonly cluster: readonly string[]; readonly enableAutoPipelining?: boolean }

// What is written without a library: a list for each user, and counters, on ioredis as it comes. One of the apps of the fault table, with the routes of `fault-app.ts`; its argument is JSON.
const client = open(JSON.parse(process.argv[2] ?? '{}') as ListPeerOptions)
client.on('error', () => {}) // It tries again; the requests tell.

const app = express()
app.get('/', async (req, res) => {
  const { say, read } = req.query
  const user = req.get('x-user') ?? ''
  if (read !== undefined) return void res.json(await client.lrange(`history:{${user}}`, 0, -1))
  await Promise.all([
    client.rpush(`history:{${user}}`, String(say)),
    client.incr(`messages:{${user}}`),
    client.set(`seen:{${user}}`, Date.now()),
    ...['minute', 'hour', 'day'].map((each) => client.incr(`limit:{${user}-${each}}`)),
  ])
  res.json({})
})
app.use((_error: unknown, _req: Request, res: Response, _next: NextFunction) => {
  res.status(500).end()
})
await serveForked(app, () => client.quit())

function open(options: ListPeerOptions): Redis | Cluster {
  if ('url' in options) return new Redis(options.url)
  if ('cluster' in options) {
    const { cluster, enableAutoPipelining = false } = options
    return new Cluster([...cluster], { enableAutoPipelining })
  }
  const {
    sentinels: { nodes, name },
    ...passwords
  } = options
  const sentinels = nodes.map((node) => {
    const { hostname: host, port } = new URL(`redis://${node}`)
    return { host, port: Number(port) }
  })
  return new Redis({ sentinels, name, ...passwords })
}
