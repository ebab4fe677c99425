import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type StackName, stacks } from './stacks.ts'
import type { Usage } from './usage.ts'
import { workDone } from './work.ts'

const [, , name, redis] = process.argv
const stack = await stacks[name as StackName]()

let withoutStore = 0
// Only what goes wrong is told on these two: listening costs requests nothing.
for (const channel of ['memoryware:error', 'memoryware:store'])
  subscribe(channel, () => {
    withoutStore += 1
  })

const server = createServer(await stack({ redis }))
server.listen(0, '127.0.0.1')
await once(server, 'listening')

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  const usage: Usage = {
    cpuMicros: user + system,
    rssBytes: process.memoryUsage.rss(),
    ...workDone(),
    withoutStore,
  }
  process.send?.(usage)
})
// The benchmark is gone: nobody asks any more.
process.once('disconnect', () => process.exit())
process.send?.({ port: (server.address() as AddressInfo).port })
