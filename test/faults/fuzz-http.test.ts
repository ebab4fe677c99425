import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { bothProviders } from '../support/stores.ts'
import { type Fuzzing, startFuzzing } from '../threats/fuzzing.ts'
import { bytesOf, exchange, rawRequests, statusesIn } from '../threats/raw-requests.ts'

const spellMs = 2_000
const atOnce = 20

/** Runs the property until its time is over. */
async function forAWhile<T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => Promise<void>) {
  const timed = { interruptAfterTimeLimit: spellMs, markInterruptAsFailure: false }
  await fc.assert(fc.asyncProperty(arbitrary, check), { numRuns: 2_000, seed: 2, ...timed })
}

/** Several requests behind one another on one connection, the last of which ends it. */
const pipelined = fc
  .array(rawRequests, { minLength: 2, maxLength: 12 })
  .map((requests) => requests.map(bytesOf))
  .map((all) => all.map((bytes, at) => (at < all.length - 1 ? kept(bytes) : bytes)).join(''))

function kept(bytes: string): string {
  return bytes.replace('\r\nConnection: close\r\n', '\r\n')
}

/** The beginning of a request, wherever it breaks off. */
const halves = fc
  .tuple(rawRequests, fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([request, part]) => {
    const bytes = bytesOf(request)
    return bytes.slice(0, Math.floor(bytes.length * part))
  })

/** Bytes that begin like a request, some of them others. */
const broken = fc
  .tuple(
    rawRequests,
    fc.array(fc.tuple(fc.nat(400), fc.constantFrom('\0', '\r', '\n', ' ', ':', '\xff', '\t')), {
      minLength: 1,
      maxLength: 4,
    }),
  )
  .map(([request, harms]) => {
    const bytes = [...bytesOf(request)]
    for (const [at, harm] of harms) bytes[at % bytes.length] = harm
    return bytes.join('')
  })

for (const stores of bothProviders()) {
  for (const framework of ['express', 'koa'] as const) {
    describe(`requests at random for a while on ${framework} over ${stores.name}`, function () {
      this.timeout(60_000)
      let fuzzing: Fuzzing

      before(async () => {
        await stores.start()
        fuzzing = await startFuzzing(framework, await stores.empty())
      })
      after(async () => {
        await fuzzing.stop()
        await stores.stop()
      })

      it('fail nothing, hang nowhere, are told nothing of others, and harm nobody', () =>
        forAWhile(rawRequests, fuzzing.check))

      for (const [says, bytes] of [
        ['behind one another', pipelined],
        ['that break off', halves],
        ['that are harmed on the way', broken],
      ] as const) {
        it(`fail nothing ${says}, and leave the app as it was`, async () => {
          const sent = fc.array(bytes, { minLength: atOnce, maxLength: atOnce })
          await forAWhile(sent, async (texts) => {
            // Who has sent half a request is not answered: the client leaves.
            const replies = texts.map((text) => exchange(fuzzing.url, text, { patienceMs: 30 }))
            for (const { reply } of await Promise.all(replies)) fuzzing.judge(reply)
          })
          const well = 'GET /read HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
          // A connection made at that moment may be lost, in a bare Express app as well.
          await eventually('it answers', async () => {
            const { reply } = await exchange(fuzzing.url, well, { patienceMs: 1_000 })
            return statusesIn(reply)[0] === 200 || undefined
          })
        })
      }
    })
  }
}
