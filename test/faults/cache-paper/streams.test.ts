import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { closeSites, fact, frameworks, type Run, type Sent } from '../../cache/site.ts'
import { eventually } from '../../support/eventually.ts'
import { bothProviders } from '../../support/stores.ts'
import { connected, type PaperOptions, serve, streamed } from './paper-site.ts'

const event = (id: number) => `id: ${id}\nevent: delta\ndata: ${id}\n\n`
const three = event(1) + event(2) + event(3)

/** Streams these pieces as events, the pauses between them as given. */
const streaming =
  (pieces: readonly string[], pauseMs = 0) =>
  (run: Run): void => {
    run.set('Content-Type', 'text/event-stream')
    run.send(200, Readable.from(paced(pieces, pauseMs)))
  }

async function* paced(pieces: readonly string[], pauseMs: number): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    yield Buffer.from(piece)
    if (pauseMs > 0) await sleep(pauseMs)
  }
}

const from = (id: string): Sent => ({ headers: { host: 'x.test', 'last-event-id': id } })
const plain: Sent = { headers: { host: 'x.test' } }

for (const provider of bothProviders()) {
  for (const framework of frameworks) {
    describe(`a stored stream on ${framework} and ${provider.name}`, () => {
      before(provider.start)
      afterEach(closeSites)
      after(provider.stop)

      const open = async (handle: (run: Run) => unknown, more: PaperOptions = {}) =>
        serve(framework, {
          cache: { store: await connected(await provider.empty()), ttl: 60, ...more },
          handle,
        })

      for (const [id, rest] of [
        ['1', event(2) + event(3)],
        ['2', event(3)],
      ] as const) {
        it(`answers what comes after event ${id}`, async () => {
          const site = await open(streaming([event(1), event(2), event(3)]))
          await site.get('/a', plain)
          const { body } = await site.get('/a', from(id))
          assert.deepEqual([body, site.runs], [rest, 1])
        })
      }

      it('answers as a whole after an event that it does not have', async () => {
        const site = await open(streaming([event(1), event(2), event(3)]))
        await site.get('/a', plain)
        assert.equal((await site.get('/a', from('7'))).body, three)
      })

      it('is never what a handler resumed for somebody', async () => {
        const site = await open((run) => {
          const last = Number(run.headers['last-event-id'] ?? 0)
          streaming([event(1), event(2), event(3)].slice(last))(run)
        })
        await site.get('/a', from('2'))
        assert.equal((await site.get('/a', plain)).body, three)
      })

      it('comes in its own rhythm where it is asked for', async () => {
        const site = await open(streaming([event(1), event(2)], 80), {
          stream: { replay: 'original' },
        })
        await streamed(site.port, '/a').whole
        const again = streamed(site.port, '/a')
        assert.equal(String(await again.whole), event(1) + event(2))
        assert.equal(site.runs, 1)
        assert.ok(again.lasted() >= 40, String(again.lasted()))
      })

      it('is cut short in its own rhythm where the client leaves', async () => {
        const site = await open(streaming([event(1), event(2)], 30), {
          stream: { replay: 'original' },
        })
        await streamed(site.port, '/a').whole
        const leaving = streamed(site.port, '/a')
        await leaving.first
        leaving.leave()
        await assert.rejects(leaving.whole)
        assert.equal(String(await streamed(site.port, '/a').whole), event(1) + event(2))
        assert.equal(site.runs, 1)
      })

      it('is kept only where its end is as it should be', async () => {
        const tails: string[] = []
        const complete = (tail: Buffer): boolean => {
          tails.push(String(tail))
          return tails.length > 1
        }
        const site = await open(streaming([event(1), event(2)]), { stream: { complete } })
        const ask = async () => fact(await site.get('/a', plain))
        await ask()
        await ask()
        // The store may still be writing it: who asks then runs nothing either.
        const told = await eventually('a hit', async () => (await ask()).match(/hit/)?.input)
        assert.match(told, /hit/)
        assert.equal(site.runs, 2)
        for (const tail of tails) assert.ok(tail.endsWith(event(2)))
      })

      it('is not kept where telling whether it is complete fails', async () => {
        const site = await open(streaming([event(1)]), {
          stream: {
            complete() {
              throw new Error('cannot tell')
            },
          },
        })
        const bodies = [(await site.get('/a', plain)).body, (await site.get('/a', plain)).body]
        assert.deepEqual([bodies, site.runs], [[event(1), event(1)], 2])
      })
    })
  }
}
