import { type Agent, request } from 'node:http'

/** A stream of events, as one client got it. */
export interface ReadStream {
  /** Milliseconds from the request to the first byte of the body. */
  readonly firstMs: number
  /** Of each event, milliseconds from when it was made. */
  readonly lagsMs: readonly number[]
  readonly body: string
}

/** Reads a stream of events to its end. */
export function readStream(url: string, path: string, agent: Agent): Promise<ReadStream> {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    let firstMs: number | undefined
    let body = ''
    const lagsMs: number[] = []
    // Whoever asks which is meant gets the same, whatever the port is.
    const fields = { Host: 'bench.example' }
    const sent = request(new URL(path, url), { headers: fields, agent }, (response) => {
      response.setEncoding('latin1').on('data', (text: string) => {
        firstMs ??= performance.now() - began
        body += text
        for (const [, made] of text.matchAll(/data: (\d+)/g)) lagsMs.push(Date.now() - Number(made))
      })
      response.once('error', reject)
      response.once('end', () => resolve({ firstMs: firstMs ?? Number.NaN, lagsMs, body }))
    })
    sent.once('error', reject)
    sent.end()
  })
}
