import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Requests } from './requests.ts'

/** An answer, read whole. */
export interface Answer {
  readonly status: number
  readonly body: string
}

const atOnce = 16
const attempts = 10

/** Gives every session of these requests its opening: twenty messages, or none where none are kept. */
export async function fill(url: string, { variants }: Requests): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const left = variants.values()
  // All take from the same iterator, each when it has done with the one before.
  const workers = Array.from({ length: atOnce }, async () => {
    for (const fields of left)
      await fillOne({ url, method: 'POST', path: '/fill', fields, agent }, attempts)
  })
  await Promise.all(workers)
  agent.destroy()
}

/** On a machine that is busy otherwise Redis may be late for memoryware, which says 503 then. */
async function fillOne(single: Single, left: number): Promise<void> {
  const { status, body } = await send(single)
  if (status === 200) return
  if (left === 0) throw new Error(`POST /fill was answered ${status}: ${body}`)
  await sleep(200)
  await fillOne(single, left - 1)
}

/** One request, to send on its own. */
export interface Single {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly fields: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly agent?: Agent
}

/** Sends a request and reads what it is answered. */
export function send({ url, method, path, fields, body, agent }: Single): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, url), { method, headers: fields, agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() })
      })
    })
    sent.once('error', reject)
    sent.end(body)
  })
}
