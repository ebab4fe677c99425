import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { readEvents } from '../support/sse.ts'
import { type Started, startChat } from './started.ts'

const question = 'How is a guest known?'
const reserved = 171

interface Budgets {
  readonly limits: Readonly<Record<string, { readonly used: number; readonly remaining: number }>>
  readonly blocked: readonly string[]
  readonly reserved: Readonly<Record<string, number>>
  readonly counts: Readonly<Record<string, number>>
}

/** Somebody who has signed in. */
function visitor(url: string, user: string) {
  const headers = { 'x-demo-user': user }
  const ask = (more: object = {}, signal?: AbortSignal) =>
    fetch(`${url}/ask`, {
      ...{ method: 'POST', headers, body: JSON.stringify({ question, ...more }) },
      ...(signal && { signal }),
    })
  async function budgets(): Promise<Budgets> {
    return (await fetch(`${url}/budgets`, { headers })).json() as Promise<Budgets>
  }
  return {
    ask,
    budgets,
    reset: () => fetch(`${url}/reset`, { method: 'POST', headers }),
    /** Waits for the whole answer, and gives the events of a name. */
    async answered(more?: object) {
      const events = readEvents(await (await ask(more)).text())
      await eventually('its slot is free', async () =>
        (await budgets()).limits['streams']?.used === 0 ? true : undefined,
      )
      return (name: string) =>
        events.filter(({ event }) => event === name).map(({ data }) => JSON.parse(data))
    },
    /** What is used of each rule. */
    async used(): Promise<Record<string, number>> {
      const { limits } = await budgets()
      return Object.fromEntries(Object.entries(limits).map(([name, each]) => [name, each.used]))
    },
  }
}

/** Begins a long answer, which goes on until it is stopped. */
async function begin(at: ReturnType<typeof visitor>): Promise<() => void> {
  const stop = new AbortController()
  const { status, body } = await at.ask({ long: true }, stop.signal)
  equal(status, 200)
  body?.pipeTo(new WritableStream()).catch(() => {})
  return () => stop.abort()
}

async function refusal(response: Response) {
  const { 'violated-policies': violated } = (await response.json()) as Record<string, unknown>
  return [response.status, violated, response.headers.get('retry-after')]
}

for (const store of ['embedded', 'redis'] as const) {
  describe(`the example: quotas on Koa, ${store}`, function () {
    this.timeout(30_000)
    let redis: TestServer | undefined
    let started: Started[]
    let here: string
    let there: string

    before(async () => {
      if (store === 'redis') redis = await startRedis()
      const env = { TYPING_MS: '8', ...(redis && { REDIS_URL: redis.url }) }
      const servers = store === 'redis' ? 2 : 1
      started = await Promise.all(
        Array.from({ length: servers }, () => startChat('koa-quotas', env)),
      )
      here = started[0]?.url ?? ''
      there = started.at(-1)?.url ?? ''
    })

    after(async () => {
      await Promise.all(started.map((each) => each.stop()))
      await redis?.stop()
    })

    beforeEach(async () => {
      for (const user of ['acme.ann', 'acme.ben', 'globex.cleo', 'globex.dan'])
        await visitor(here, user).reset()
    })

    it('reserves tokens, and settles them at what the model has used', async () => {
      const ann = visitor(here, 'acme.ann')
      const events = await ann.answered()
      const [begun] = events('reserved')
      deepEqual([begun.tokens, begun.limits['tokens-day'].used], [reserved, reserved])
      const chunks = events('chunk')
      match(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), /cookie/)
      const used = chunks.at(-1).usage.total_tokens
      ok(used > 20 && used < reserved)
      const [settled] = events('settled')
      deepEqual([settled.total_tokens, settled.limits['tokens-minute'].used], [used, used])
      deepEqual(await visitor(there, 'acme.ann').used(), {
        ...{ requests: 1, 'tokens-minute': used, 'tokens-day': used, streams: 0, pace: 1 },
      })
    })

    it('shares the tokens of a day in a tenant, and nothing else', async () => {
      const events = await visitor(here, 'acme.ann').answered()
      const [{ total_tokens: used }] = events('settled')
      deepEqual(await visitor(there, 'acme.ben').used(), {
        ...{ requests: 0, 'tokens-minute': 0, 'tokens-day': used, streams: 0, pace: 0 },
      })
      equal((await visitor(there, 'globex.cleo').used())['tokens-day'], 0)
    })

    it('refuses the answer that is one too many by plan, wherever the others are given', async () => {
      const cleo = visitor(here, 'globex.cleo')
      const elsewhere = visitor(there, 'globex.cleo')
      const stops = [await begin(cleo), await begin(elsewhere)]
      const before = await cleo.used()
      deepEqual(await refusal(await elsewhere.ask()), [429, ['streams'], '1'])
      deepEqual(await cleo.used(), before)
      deepEqual([before['streams'], before['tokens-day']], [2, 2 * reserved])
      for (const stop of stops) stop()
      const after = await eventually('both are stopped and settled', async () => {
        const now = await cleo.used()
        return now['streams'] === 0 && Number(now['tokens-day']) < 2 * reserved ? now : undefined
      })
      ok(Number(after['tokens-day']) > 0)
    })

    it('gives back what a broken model had reserved, and does not count the request', async () => {
      const ann = visitor(here, 'acme.ann')
      equal((await ann.ask({ broken: true })).status, 502)
      await eventually('all is back', async () => {
        const { requests, 'tokens-minute': tokens, streams } = await ann.used()
        return requests === 0 && tokens === 0 && streams === 0 ? true : undefined
      })
    })

    it('shuts out who is refused again and again, until an operator resets it', async () => {
      const ben = visitor(here, 'acme.ben')
      const stop = await begin(ben)
      for (let time = 1; time < 15; time += 1) await (await ben.ask()).text()
      deepEqual((await ben.budgets()).blocked, [])
      const [status, violated, wait] = await refusal(await ben.ask())
      deepEqual([status, violated, Number(wait) > 10], [429, ['streams'], true])
      stop()
      const elsewhere = visitor(there, 'acme.ben')
      deepEqual((await elsewhere.budgets()).blocked, ['streams'])
      deepEqual((await visitor(there, 'acme.ann').budgets()).blocked, [])
      equal((await ben.reset()).status, 204)
      await (await begin(elsewhere))()
    })
  })
}

describe('the example: quotas on Koa', function () {
  this.timeout(30_000)
  let server: Started

  before(async () => {
    server = await startChat('koa-quotas')
  })
  after(() => server.stop())

  it('lets what an answer took above the limit be debt, which refuses the next one', async () => {
    const ann = visitor(server.url, 'acme.ann')
    await ann.answered({ long: true })
    const { limits, counts } = await ann.budgets()
    ok(Number(limits['tokens-minute']?.used) > 400)
    equal(limits['tokens-minute']?.remaining, 0)
    const [status, violated, wait] = await refusal(await ann.ask())
    deepEqual([status, violated, Number(wait) > 50], [429, ['tokens-minute'], true])
    deepEqual([counts['allowed'], Number(counts['settled']) > 0], [1, true])
  })

  it('tells of what the rule in shadow mode would have refused', async () => {
    const dan = visitor(server.url, 'globex.dan')
    for (let time = 1; time <= 3; time += 1) await dan.answered()
    equal((await dan.budgets()).counts['shadowed'], 1)
  })

  it('believes nobody who is not named, and answers what cannot be with a problem', async () => {
    const { url } = server
    const headers = { 'x-demo-user': 'acme.ann' }
    const statuses = [
      await fetch(`${url}/budgets`),
      await fetch(`${url}/budgets`, { headers: { 'x-demo-user': 'acme.eve' } }),
      await fetch(`${url}/ask`, { method: 'POST', headers, body: '{' }),
      await fetch(`${url}/ask`, { method: 'POST', headers, body: 'a'.repeat(20_001) }),
      await fetch(`${url}/people.ts`),
    ]
    deepEqual(
      statuses.map(({ status }) => status),
      [401, 401, 400, 413, 404],
    )
    for (const { headers } of statuses)
      equal(headers.get('content-type'), 'application/problem+json')
  })

  it('serves its page under a policy that allows nothing from elsewhere', async () => {
    const { url } = server
    const page = await fetch(url)
    match(
      page.headers.get('content-security-policy') ?? '',
      /^default-src 'none'; script-src 'self'/,
    )
    const parts = [...(await page.text()).matchAll(/(?:href|src)="(\/[^"]+)"/gu)]
    ok(parts.length > 5)
    for (const [, path] of parts) equal((await fetch(url + path)).status, 200)
  })
})
