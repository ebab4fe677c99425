import autocannon from 'autocannon'
import type { Shot } from './autocannon.ts'
import type { LoadResult } from './load.ts'

process.once('message', async (shot) => {
  process.send?.(await fire(shot as Shot))
  process.disconnect()
})

async function fire({ url, requests, seconds, connections }: Shot): Promise<LoadResult> {
  const { method, path, body, variants, status } = requests
  const all = variants.map((headers) => ({
    method,
    path,
    headers,
    ...(body === undefined ? {} : { body }),
  }))
  let connected = 0
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    // Each connection has sessions of its own, so that no two of them are in one at a time.
    setupClient(client) {
      const own = all.filter((_, at) => at % connections === connected)
      connected += 1
      client.setRequests(own.length > 0 ? own : all)
    },
  })
  const right = status >= 400 ? result['4xx'] : result['2xx']
  const { total } = result.requests
  return {
    requests: total,
    seconds: result.duration,
    wrong: total - right + result.errors,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  }
}
