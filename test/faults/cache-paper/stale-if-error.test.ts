import assert from 'node:assert/strict'
import { closeSites, fact, frameworks, type Run } from '../../cache/site.ts'
import { holdClock, later, letClockGo, type PaperOptions, serve } from './paper-site.ts'

type Fails = readonly [says: string, fail: (run: Run) => unknown]

const answers = (status: number): Fails => [
  `a ${status}`,
  (run) => {
    run.set('X-Failed', 'yes')
    run.send(status, 'no answer')
  },
]

const failures: readonly Fails[] = [
  ['a throw', () => Promise.reject(new Error('no answer'))],
  ['a response that is destroyed', (run) => run.raw.destroy()],
  ...[500, 502, 503, 504].map(answers),
]

const ways: readonly (readonly [says: string, line: string, cache: PaperOptions])[] = [
  ['the answer', 'max-age=1, stale-if-error=60', {}],
  ['the option', 'max-age=1', { staleIfError: 60 }],
]

const never = ['must-revalidate', 'proxy-revalidate', 's-maxage=1', 'no-cache']

/** The first answer lives a second; every other run fails. */
const failing = (line: string, [, fail]: Fails) => ({
  handle(run: Run): unknown {
    if (run.number > 1) return fail(run)
    run.set('Cache-Control', line)
    run.send(200, 'run 1')
    return undefined
  },
})

for (const framework of frameworks) {
  describe(`stale-if-error on ${framework}`, () => {
    beforeEach(holdClock)
    afterEach(async () => {
      letClockGo()
      await closeSites()
    })

    for (const [says, line, cache] of ways) {
      for (const failure of failures) {
        it(`answers with what is stale instead of ${failure[0]}, where ${says} says so`, async () => {
          const site = await serve(framework, { cache, ...failing(line, failure) })
          await site.get('/a')
          later(5)
          const reply = await site.get('/a')
          assert.deepEqual(
            [reply.status, reply.body, reply.headers['x-failed'], site.runs],
            [200, 'run 1', undefined, 2],
          )
          assert.match(fact(reply), /^memoryware; (?:hit; ttl=-|fwd=stale)/)
        })
      }

      for (const forbidden of never) {
        for (const failure of [failures[0], answers(503)] as Fails[]) {
          it(`never instead of ${failure[0]} where the answer says ${forbidden} and ${says} would`, async () => {
            const lines = `${line}, ${forbidden}`
            const site = await serve(framework, { cache, ...failing(lines, failure) })
            await site.get('/a')
            later(5)
            const { status, body } = await site.get('/a')
            assert.ok(status >= 500, String(status))
            assert.notEqual(body, 'run 1')
          })
        }
      }

      it(`tells of the failure once the time is over that ${says} gives`, async () => {
        const site = await serve(framework, { cache, ...failing(line, answers(503)) })
        await site.get('/a')
        later(62)
        assert.equal((await site.get('/a')).status, 503)
      })
    }

    for (const status of [404, 410, 501]) {
      it(`hands on a ${status}`, async () => {
        const cache = { staleIfError: 60 }
        const site = await serve(framework, { cache, ...failing('max-age=1', answers(status)) })
        await site.get('/a')
        later(5)
        assert.equal((await site.get('/a')).status, status)
      })
    }

    it('hands on a failure where nothing is stored', async () => {
      const [, fail] = answers(503)
      const site = await serve(framework, { cache: { ttl: 60, staleIfError: 60 }, handle: fail })
      assert.equal((await site.get('/a')).status, 503)
    })

    it('gives nobody the cookie of the run that failed', async () => {
      const fails: Fails = [
        'a 500 with a cookie',
        (run) => {
          run.set('Set-Cookie', 'sid=1')
          run.send(500, 'no answer')
        },
      ]
      const site = await serve(framework, {
        cache: { staleIfError: 60 },
        ...failing('max-age=1', fails),
      })
      await site.get('/a')
      later(5)
      const { body, headers } = await site.get('/a')
      assert.deepEqual([body, headers['set-cookie']], ['run 1', undefined])
    })

    it('asks the handler again each time, and takes its answer', async () => {
      const site = await serve(framework, {
        cache: { ttl: 1, staleIfError: 60 },
        handle: (run) => run.send(run.number === 2 ? 503 : 200, `run ${run.number}`),
      })
      const bodies = []
      for (const seconds of [0, 5, 6, 6]) {
        later(seconds)
        bodies.push((await site.get('/a')).body)
      }
      assert.deepEqual(bodies, ['run 1', 'run 1', 'run 3', 'run 3'])
    })
  })
}
