import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import type { Store } from '../../../lib/index.ts'
import { createStore } from '../../../lib/index.ts'
import { closeSites, frameworks, type Run } from '../../cache/site.ts'
import { eventually } from '../../support/eventually.ts'
import { type PaperSite, type Streamed, serve, streamed, twoStores } from './paper-site.ts'

const event = (id: number) => `id: ${id}\ndata: \u00e4 ${id}\n\n`

/** A site whose handler streams what the test writes. */
interface Stage {
  readonly streams: readonly PassThrough[]
  /** Asks where the stream runs. */
  lead(headers?: Record<string, string>): Streamed
  /** Asks where it may be joined. */
  join(headers?: Record<string, string>): Streamed
  close(): Promise<void>
}

type SetUp = (run: Run) => void

/** One process, or two on the same Redis. */
const places = [
  {
    name: 'one process',
    async stores() {
      const store = createStore({ provider: 'embedded' })
      return { stores: [store, store] as const, close: () => store.close() }
    },
  },
  { name: 'two processes', stores: twoStores },
]

async function stage(
  framework: 'express' | 'koa',
  place: (typeof places)[number],
  setUp: SetUp = (run) => run.set('Content-Type', 'text/event-stream'),
): Promise<Stage> {
  const { stores, close } = await place.stores()
  const streams: PassThrough[] = []
  const open = (store: Store): Promise<PaperSite> =>
    serve(framework, {
      cache: { store, ttl: 60 },
      handle(run) {
        const body = new PassThrough()
        body.on('error', () => {})
        streams.push(body)
        setUp(run)
        run.send(200, body)
      },
    })
  const one = await open(stores[0])
  const other = stores[0] === stores[1] ? one : await open(stores[1])
  return {
    streams,
    lead: (headers) => streamed(one.port, '/a', headers),
    join: (headers) => streamed(other.port, '/a', headers),
    close,
  }
}

/** Begins a stream with its first event. */
async function begin({ streams, lead }: Stage): Promise<{ leader: Streamed; source: PassThrough }> {
  const leader = lead()
  const source = await eventually('the handler runs', async () => streams[0])
  source.write(event(1))
  assert.equal(String(await leader.first), event(1))
  return { leader, source }
}

for (const place of places) {
  for (const framework of frameworks) {
    describe(`a running stream on ${framework} and ${place.name}`, () => {
      let open: Stage | undefined

      const set = async (setUp?: SetUp) => {
        open = await stage(framework, place, setUp)
        return open
      }

      afterEach(async () => {
        await closeSites()
        await open?.close()
        open = undefined
      })

      for (const type of ['text/event-stream', 'application/x-ndjson']) {
        it(`of ${type} is joined before it ends, from its first byte`, async () => {
          const on = await set((run) => run.set('Content-Type', type))
          const { leader, source } = await begin(on)
          const joined = on.join()
          assert.equal(String(await joined.first), event(1))
          source.write(event(2))
          const late = on.join()
          assert.ok(String(await late.first).startsWith(event(1)))
          source.end(event(3))
          const all = [leader, joined, late].map(({ whole }) => whole)
          for (const whole of await Promise.all(all))
            assert.equal(String(whole), event(1) + event(2) + event(3))
          assert.equal(on.streams.length, 1)
        })
      }

      it('is joined by many, and answers again when it is over', async () => {
        const on = await set()
        const { source } = await begin(on)
        const many = Array.from({ length: 30 }, () => on.join())
        await Promise.all(many.map(({ first }) => first))
        source.end(event(2))
        for (const { whole } of many) assert.equal(String(await whole), event(1) + event(2))
        assert.equal(String(await on.join().whole), event(1) + event(2))
        assert.equal(on.streams.length, 1)
      })

      it('keeps the bytes as they are, wherever they are cut', async () => {
        const on = await set()
        const bytes = Buffer.from(`\ufeffdata: \u20ac\r\n\r\n: x\rdata\n\n\u0000${event(2)}`)
        const { leader, source } = await begin(on)
        const joined = on.join()
        await joined.first
        for (const byte of bytes) source.write(Buffer.of(byte))
        source.end()
        const wanted = Buffer.concat([Buffer.from(event(1)), bytes])
        assert.deepEqual([await leader.whole, await joined.whole], [wanted, wanted])
      })

      it('breaks for all where its source breaks, and is not kept', async () => {
        const on = await set()
        const { leader, source } = await begin(on)
        const joined = on.join()
        await joined.first
        source.destroy(new Error('broke'))
        await assert.rejects(leader.whole)
        await assert.rejects(joined.whole)
        const again = on.join()
        const next = await eventually('the handler runs again', async () => on.streams[1])
        next.end(event(9))
        assert.equal(String(await again.whole), event(9))
      })

      for (const [name, value] of [
        ['Cache-Control', 'private'],
        ['Cache-Control', 'no-store'],
        ['Set-Cookie', 'sid=1'],
        ['Vary', '*'],
      ] as const) {
        it(`is nobody else's with ${name}: ${value}`, async () => {
          const on = await set((run) => {
            run.set('Content-Type', 'text/event-stream')
            run.set(name, value)
          })
          const { source } = await begin(on)
          const other = on.join()
          const own = await eventually('it runs for itself', async () => on.streams[1])
          source.end(event(2))
          own.end(event(9))
          assert.equal(String(await other.whole), event(9))
        })
      }

      it('goes on where one who has joined leaves', async () => {
        const on = await set()
        const { leader, source } = await begin(on)
        const joined = on.join()
        await joined.first
        joined.leave()
        source.end(event(2))
        assert.equal(String(await leader.whole), event(1) + event(2))
        assert.equal(String(await on.join().whole), event(1) + event(2))
      })

      it('never seems whole where its first client leaves', async () => {
        const on = await set()
        const { leader, source } = await begin(on)
        const joined = on.join()
        await joined.first
        leader.leave()
        await assert.rejects(leader.whole)
        source.write(event(2))
        source.end(event(3))
        // Somebody who takes over may run the handler for itself.
        const over = setInterval(() => on.streams[1]?.end(event(1) + event(2) + event(3)), 10)
        const got = await joined.whole.then(String, () => 'broken')
        clearInterval(over)
        assert.ok(['broken', event(1) + event(2) + event(3)].includes(got), got)
      })

      it('is joined after the event that Last-Event-ID names', async () => {
        const on = await set()
        const { source } = await begin(on)
        source.write(event(2))
        const joined = on.join({ 'last-event-id': '1' })
        assert.equal(String(await joined.first), event(2))
        source.end(event(3))
        assert.equal(String(await joined.whole), event(2) + event(3))
        assert.equal(on.streams.length, 1)
      })
    })
  }
}
