import assert from 'node:assert/strict'
import { closeSites, fact, frameworks, open, type Plan, type Run, type Sent } from './site.ts'

type Ask = readonly [path: string, sent?: Sent]

/** Two requests, and the site they go to. */
export interface Pair {
  readonly says: string
  readonly one: Ask
  readonly other: Ask
  readonly plan?: Partial<Plan>
}

/** A request that the cache leaves alone, and why. */
export type Aside = readonly [says: string, detail: string, sent: Sent, cache?: Plan['cache']]

/** A request with one more field. */
export const of = (name: string, value: string, more: Sent = {}): Sent => ({
  ...more,
  headers: { ...more.headers, [name]: value },
})

/** A POST; several pieces go out chunked. */
export const post = (body: string | string[], type = 'application/json'): Sent => ({
  method: 'POST',
  headers: { 'content-type': type },
  body,
})

/** A site whose handler says which run it is. */
export function counting(
  framework: 'express' | 'koa',
  plan?: Partial<Plan>,
): ReturnType<typeof open> {
  const handle = (run: Run) => run.send(200, `run ${run.number}`)
  return open(framework, { cache: { ttl: 60 }, handle, ...plan })
}

/** Makes a test of each, on both frameworks. */
export function pairs(
  about: string,
  {
    apart,
    alike = [],
    aside = [],
  }: { apart: readonly Pair[]; alike?: readonly Pair[]; aside?: readonly Aside[] },
): void {
  for (const framework of frameworks) {
    describe(`cacheResponse on ${framework}: ${about}`, () => {
      afterEach(closeSites)

      for (const { says, one, other, plan } of apart) {
        it(`tells apart ${says}`, async () => {
          const { get } = await counting(framework, plan)
          const replies = [
            await get(...one),
            await get(...other),
            await get(...one),
            await get(...other),
          ]
          assert.deepEqual(
            replies.map(({ body }) => body),
            ['run 1', 'run 2', 'run 1', 'run 2'],
          )
        })
      }

      for (const { says, one, other, plan } of alike) {
        it(`does not tell apart ${says}`, async () => {
          const { get } = await counting(framework, plan)
          const replies = [await get(...one), await get(...other)]
          assert.deepEqual(
            replies.map(({ body }) => body),
            ['run 1', 'run 1'],
          )
        })
      }

      for (const [says, detail, sent, cache = { ttl: 60 }] of aside) {
        it(`stands aside: ${says}`, async () => {
          const { get } = await counting(framework, { cache })
          await get('/a', sent)
          const second = await get('/a', sent)
          assert.equal(fact(second), `memoryware; fwd=bypass; detail=${detail}`)
          assert.equal(second.body, 'run 2')
        })
      }
    })
  }
}
