import assert from 'node:assert/strict'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { LimitStanding, Store } from '../../lib/index.ts'
import { type App, type Exchange, frameworks, type Mounts, type Native } from '../support/apps.ts'
import { limitFields } from '../support/limit-fields.ts'
import { testStores } from '../support/stores.ts'

type Limit = NonNullable<Mounts['limit']>
type Handle = (exchange: Exchange) => unknown

const minute = '1m'
const stating = (native: Native) => Number(native.get('x-cost') || 10)

/** Node's own response, which the framework lets go of. */
function raw(exchange: Exchange): ServerResponse {
  const { target } = exchange
  if (!('res' in target)) return target as ServerResponse
  target.respond = false
  return target.res as ServerResponse
}

for (const stores of testStores()) {
  for (const framework of frameworks) {
    describe(`reservations on ${framework.name} over ${stores.name}`, () => {
      let store: Store
      let app: App | undefined

      before(() => stores.start())
      beforeEach(async () => {
        store = await stores.empty()
      })
      afterEach(async () => {
        await app?.close()
        app = undefined
      })
      after(() => stores.stop())

      const ok: Handle = (exchange) => exchange.send(200, JSON.stringify(exchange.rateLimit))

      async function serve(limit: Limit, handle: Handle = ok): Promise<string> {
        app = await framework.serve({ limit: { store, ...limit } }, handle)
        return app.url
      }

      /** What remains of a rule, as the next request sees it that takes nothing. */
      async function remaining(url: string, rule = 'tpm'): Promise<number | undefined> {
        const answer = await fetch(url, { headers: { 'x-cost': '0', 'x-look': '1' } })
        assert.ok(limitFields(answer).policies.includes(rule))
        const body = (await answer.json()) as { limits: Record<string, { remaining: number }> }
        return body.limits[rule]?.remaining
      }

      /** Answers who only looks; leaves the others to `handle`. */
      function besides(handle: Handle): Handle {
        return (exchange) => (exchange.header('x-look') ? ok(exchange) : handle(exchange))
      }

      const tpm = (rule: object = {}) => ({
        limits: [
          { name: 'tpm', limit: 100, window: minute, cost: stating, unit: 'tokens', ...rule },
        ],
      })

      for (const algorithm of ['sliding', 'fixed'] as const) {
        describe(`of a ${algorithm} budget`, () => {
          it('give back what was not used', async () => {
            const url = await serve(
              tpm({ algorithm }),
              besides(async (exchange) => {
                await exchange.rateLimit.settle({ tpm: 20 })
                ok(exchange)
              }),
            )
            const answer = await fetch(url, { headers: { 'x-cost': '80' } })
            const { limits } = (await answer.json()) as { limits: { tpm: LimitStanding } }
            assert.deepEqual([limits.tpm.used, limits.tpm.remaining], [20, 80])
            assert.equal(await remaining(url), 80)
          })

          it('are settled once, however often they are told', async () => {
            const url = await serve(
              tpm({ algorithm }),
              besides(async (exchange) => {
                const { rateLimit } = exchange
                await Promise.all([rateLimit.settle({ tpm: 20 }), rateLimit.settle({ tpm: 20 })])
                await rateLimit.settle({ tpm: 20 })
                ok(exchange)
              }),
            )
            await fetch(url, { headers: { 'x-cost': '80' } })
            assert.equal(await remaining(url), 80)
          })

          it('hold the last amount told', async () => {
            const url = await serve(
              tpm({ algorithm }),
              besides(async (exchange) => {
                await exchange.rateLimit.settle({ tpm: 20 })
                await exchange.rateLimit.settle({ tpm: 35 })
                ok(exchange)
              }),
            )
            await fetch(url, { headers: { 'x-cost': '80' } })
            assert.equal(await remaining(url), 65)
          })

          it('become debt where more was used', async () => {
            const url = await serve(
              tpm({ algorithm }),
              besides(async (exchange) => {
                await exchange.rateLimit.settle({ tpm: 150 })
                ok(exchange)
              }),
            )
            const answer = await fetch(url)
            const { limits } = (await answer.json()) as { limits: { tpm: LimitStanding } }
            assert.deepEqual([limits.tpm.used, limits.tpm.remaining], [150, 0])
            assert.equal((await fetch(url, { headers: { 'x-cost': '1' } })).status, 429)
          })

          it('are kept where nothing is told', async () => {
            const url = await serve(tpm({ algorithm }))
            await fetch(url, { headers: { 'x-cost': '30' } })
            assert.equal(await remaining(url), 70)
          })

          it('give nothing back once their window is over', async () => {
            let open: (() => Promise<void>) | undefined
            const url = await serve(
              tpm({ algorithm, window: '600ms' }),
              besides((exchange) => {
                open = () => exchange.rateLimit.settle({ tpm: 0 })
                ok(exchange)
              }),
            )
            await fetch(url, { headers: { 'x-cost': '100' } })
            await sleep(700)
            const [first, second] = [{ 'x-cost': '60' }, { 'x-cost': '40' }]
            assert.equal((await fetch(url, { headers: { ...first, 'x-look': '1' } })).status, 200)
            await open?.()
            assert.equal((await fetch(url, { headers: { ...second, 'x-look': '1' } })).status, 200)
            const more = { 'x-cost': '1', 'x-look': '1' }
            assert.equal((await fetch(url, { headers: more })).status, 429)
          })
        })
      }

      it('of a budget that comes back evenly hold the last amount told as well', async () => {
        const url = await serve(
          tpm({ algorithm: 'gcra', window: '1h' }),
          besides(async (exchange) => {
            for (const used of [90, 10, 40]) await exchange.rateLimit.settle({ tpm: used })
            ok(exchange)
          }),
        )
        await fetch(url)
        assert.equal(await remaining(url), 60)
      })

      it('are given back where the handler fails', async () => {
        const url = await serve(
          tpm(),
          besides(() => {
            throw new Error('the model is away')
          }),
        )
        assert.equal((await fetch(url, { headers: { 'x-cost': '80' } })).status, 500)
        // They come back when the answer is out.
        await until(async () => (await remaining(url)) === 100)
      })

      it('are given back where the client is gone before the first byte', async () => {
        let begun = false
        const url = await serve(
          tpm(),
          besides((exchange) => {
            raw(exchange)
            begun = true
          }),
        )
        const asked = request(url, { headers: { 'x-cost': '80' } })
        asked.on('error', () => undefined).end()
        await until(async () => begun)
        asked.destroy()
        await until(async () => (await remaining(url)) === 100)
      })

      it('are kept where the answer breaks off behind its first byte', async () => {
        const url = await serve(
          tpm(),
          besides((exchange) => {
            const res = raw(exchange)
            res.writeHead(200).write('half an answer')
            setTimeout(() => res.destroy(), 50)
          }),
        )
        await assert.rejects(async () => (await fetch(url, { headers: { 'x-cost': '80' } })).text())
        assert.equal(await remaining(url), 20)
      })

      it('stay as they were settled where the handler fails behind that', async () => {
        const url = await serve(
          tpm(),
          besides(async (exchange) => {
            await exchange.rateLimit.settle({ tpm: 25 })
            throw new Error('the model is away')
          }),
        )
        await fetch(url, { headers: { 'x-cost': '80' } })
        assert.equal(await remaining(url), 75)
      })

      it('do not include plain counts of requests, or who fails would never be limited', async () => {
        const url = await serve({ limit: 2, window: minute }, () => {
          throw new Error('failed')
        })
        const statuses = []
        for (let n = 0; n < 3; n += 1) statuses.push((await fetch(url)).status)
        assert.deepEqual(statuses, [500, 500, 429])
      })

      it('are given back where refundIf says so', async () => {
        let handled = 0
        const refundIf = (_native: Native, { status = 0 }: { status: number | undefined }) =>
          status >= 500
        const url = await serve(
          { limits: [{ name: 'two', limit: 2, window: minute, refundIf }] },
          (exchange) => {
            handled += 1
            exchange.send(handled <= 10 ? 500 : 200, 'failed')
          },
        )
        for (let n = 0; n < 10; n += 1) assert.equal((await fetch(url)).status, 500)
        assert.equal(handled, 10)
        const statuses = []
        for (let n = 0; n < 3; n += 1) statuses.push((await fetch(url)).status)
        assert.deepEqual(statuses, [200, 200, 429])
      })

      it('are kept where refundIf fails', async () => {
        const refundIf = () => {
          throw new Error('refundIf')
        }
        const url = await serve({ limits: [{ name: 'one', limit: 1, window: minute, refundIf }] })
        assert.equal((await fetch(url)).status, 200)
        assert.equal((await fetch(url)).status, 429)
      })

      it('are given back by release(), and only where they were not settled', async () => {
        const url = await serve(
          tpm(),
          besides(async (exchange) => {
            if (exchange.header('x-settle')) await exchange.rateLimit.settle({ tpm: 5 })
            await exchange.rateLimit.release()
            await exchange.rateLimit.release()
            ok(exchange)
          }),
        )
        await fetch(url, { headers: { 'x-cost': '80' } })
        assert.equal(await remaining(url), 100)
        await fetch(url, { headers: { 'x-cost': '80', 'x-settle': '1' } })
        assert.equal(await remaining(url), 95)
      })

      for (const [from, usage] of [
        ['OpenAI chat', { prompt_tokens: 30, completion_tokens: 12, total_tokens: 42 }],
        [
          'OpenAI Responses',
          {
            response: { usage: { input_tokens: 30, output_tokens: 12, total_tokens: 42 } },
            type: 'response.completed',
          },
        ],
        ['Anthropic', { usage: { input_tokens: 30, output_tokens: 12 } }],
        [
          'a last chunk of OpenAI',
          { choices: [], usage: { prompt_tokens: 30, completion_tokens: 12, total_tokens: 42 } },
        ],
      ] as const) {
        it(`are settled by the usage of ${from}`, async () => {
          const url = await serve(
            tpm(),
            besides(async (exchange) => {
              const told = [
                await exchange.rateLimit.settleUsage({ choices: [{ delta: {} }], usage: null }),
                await exchange.rateLimit.settleUsage(usage),
              ]
              exchange.send(200, JSON.stringify(told))
            }),
          )
          const answer = await fetch(url, { headers: { 'x-cost': '80' } })
          assert.deepEqual(await answer.json(), [false, true])
          assert.equal(await remaining(url), 58)
        })
      }

      it('refuse names that no limit has, and amounts that nothing can cost', async () => {
        const url = await serve(
          tpm(),
          besides(async (exchange) => {
            for (const used of [{ tmp: 1 }, { tpm: -1 }, { tpm: 1.5 }, { tpm: Number.NaN }])
              await assert.rejects(exchange.rateLimit.settle(used), { code: 'ERR_USAGE' })
            exchange.send(200, 'refused')
          }),
        )
        assert.equal(await (await fetch(url, { headers: { 'x-cost': '80' } })).text(), 'refused')
        assert.equal(await remaining(url), 20)
      })

      it('pass over rules that do not apply to the request', async () => {
        const url = await serve(
          { limits: [{ name: 'tpm', limit: () => Number.POSITIVE_INFINITY, cost: 5 }] },
          async (exchange) => {
            await exchange.rateLimit.settle({ tpm: 500 })
            ok(exchange)
          },
        )
        assert.equal((await fetch(url)).status, 200)
      })

      it('are charged what they cost, also where nothing was reserved', async () => {
        const url = await serve(
          tpm({ cost: () => 0 }),
          besides(async (exchange) => {
            await exchange.rateLimit.settle({ tpm: 30 })
            ok(exchange)
          }),
        )
        await fetch(url)
        assert.equal(await remaining(url), 70)
      })

      it('are given back where the cache answers', async () => {
        app = await framework.serve(
          { limit: { store, ...tpm() }, cache: { store, ttl: '1m' } },
          (exchange) => {
            if (exchange.header('x-look')) exchange.set('Cache-Control', 'no-store')
            ok(exchange)
          },
        )
        const { url } = app
        const cost = { 'x-cost': '30' }
        for (let n = 0; n < 3; n += 1) await (await fetch(`${url}/asked`, { headers: cost })).text()
        await until(async () => (await remaining(`${url}/looked`)) === 70)
      })

      it('are told in the fields as they were settled, before the head is sent', async () => {
        const url = await serve(tpm(), async (exchange) => {
          await exchange.rateLimit.settle({ tpm: 25 })
          ok(exchange)
        })
        const { headers } = await fetch(url, { headers: { 'x-cost': '80' } })
        assert.match(headers.get('ratelimit') ?? '', /^"tpm";r=75;t=\d+$/)
        assert.match(headers.get('ratelimit-policy') ?? '', /^"tpm";[^,]+$/)
      })

      it('are none where requests are counted, whether that is said or not', async () => {
        const counted = { limit: 5, window: minute }
        const limits = [
          { name: 'plain', ...counted },
          { name: 'said', ...counted, unit: 'requests' },
        ]
        const url = await serve(
          { limits },
          besides((exchange) => exchange.send(500, 'failed')),
        )
        await (await fetch(url)).text()
        assert.deepEqual([await remaining(url, 'plain'), await remaining(url, 'said')], [3, 2])
      })

      it('clear the refusal that this process remembers', async () => {
        const held: Exchange[] = []
        let finished = false
        const url = await serve(
          tpm(),
          besides(async (exchange) => {
            held.push(exchange)
            await until(async () => finished)
            exchange.send(200, 'done')
          }),
        )
        const first = fetch(url, { headers: { 'x-cost': '100' } })
        await until(async () => held.length === 1)
        const one = { 'x-cost': '1', 'x-look': '1' }
        for (let n = 0; n < 3; n += 1)
          assert.equal((await fetch(url, { headers: one })).status, 429)
        await held[0]?.rateLimit.settle({ tpm: 10 })
        assert.equal((await fetch(url, { headers: one })).status, 200)
        finished = true
        await (await first).text()
      })

      describe('of slots', () => {
        const streams = {
          limits: [{ name: 'streams', limit: 2, algorithm: 'concurrency' as const }],
        }

        /** Opens a stream; gives its head. */
        function open(url: string): Promise<IncomingMessage> {
          return new Promise((resolve, reject) => {
            request(url, resolve).on('error', reject).end()
          })
        }

        const stream: Handle = (exchange) => {
          const res = raw(exchange)
          res.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': open\n\n')
        }

        it('let so many through at a time, and one more when one is aborted', async () => {
          const url = await serve(streams, stream)
          const [first, second] = [await open(url), await open(url)]
          const third = await open(url)
          assert.deepEqual([first.statusCode, second.statusCode, third.statusCode], [200, 200, 429])
          assert.equal(third.headers['retry-after'], '1')
          third.resume()
          first.destroy()
          let fourth: IncomingMessage | undefined
          await until(async () => {
            fourth = await open(url)
            if (fourth.statusCode !== 200) fourth.resume()
            return fourth.statusCode === 200
          })
          second.destroy()
          fourth?.destroy()
        })

        it('are free again when the response is over', async () => {
          const url = await serve(streams)
          for (let n = 0; n < 5; n += 1) assert.equal((await fetch(url)).status, 200)
        })

        it('are free before that where the handler releases them', async () => {
          const held: Exchange[] = []
          const url = await serve(streams, async (exchange) => {
            await exchange.rateLimit.release()
            held.push(exchange)
            await until(async () => held.length === 3)
            exchange.send(200, 'done')
          })
          const answers: Promise<Response>[] = []
          for (let n = 1; n <= 3; n += 1) {
            answers.push(fetch(url))
            await until(async () => held.length === n)
          }
          for (const each of answers) assert.equal((await each).status, 200)
        })

        it('are refused by settle()', async () => {
          const url = await serve(streams, async (exchange) => {
            await assert.rejects(exchange.rateLimit.settle({ streams: 0 }), { code: 'ERR_USAGE' })
            ok(exchange)
          })
          assert.equal((await fetch(url)).status, 200)
        })
      })
    })
  }
}

/** Waits until something holds; fails where it does not within 3 seconds. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 150; tries += 1) {
    if (await holds()) return
    await sleep(20)
  }
  assert.fail('it never held')
}
