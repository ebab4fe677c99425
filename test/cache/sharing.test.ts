import assert from 'node:assert/strict'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Follow } from '../../lib/cache/following.ts'
import type { Lead } from '../../lib/cache/leading.ts'
import { encodePieces } from '../../lib/cache/live-pieces.ts'
import { type Claim, type Sharing, sharingOf } from '../../lib/cache/sharing.ts'
import type { Store } from '../../lib/index.ts'
import type { Fills } from '../../lib/ports/fills.ts'
import { eventually } from '../support/eventually.ts'
import { latch } from '../support/latch.ts'
import { bothProviders } from '../support/stores.ts'
import { headOf, liveOf } from './lives.ts'

const place = { key: 'cache:{a}', variant: '' }

function leading(claim: Claim): Lead {
  assert.ok(claim.kind === 'lead', claim.kind)
  return claim.lead
}

function following(claim: Claim): Follow {
  assert.ok(claim.kind === 'follow', claim.kind)
  return claim.follow
}

for (const stores of bothProviders()) {
  describe(`answers that processes share over ${stores.name}`, () => {
    let store: Store
    const opened: Sharing[] = []

    before(stores.start)
    after(stores.stop)
    beforeEach(async () => {
      store = await stores.empty()
    })
    afterEach(() => Promise.all(opened.splice(0).map((each) => each.close())))

    /** As another process on the same store, whose calls may be changed. */
    function shared(change: Partial<Fills> = {}): Sharing {
      const sharing = sharingOf({ fills: { ...store.fills, ...change } })
      opened.push(sharing)
      return sharing
    }

    const claim = (sharing: Sharing): Promise<Claim> => sharing.claim(place, store.deadline())

    async function pair(change: { lead?: Partial<Fills>; follow?: Partial<Fills> } = {}) {
      const lead = leading(await claim(shared(change.lead)))
      return { lead, follow: following(await claim(shared(change.follow))) }
    }

    it('are made by one', async () => {
      const [one, two] = [shared(), shared()]
      const claims = await Promise.all(
        Array.from({ length: 100 }, (_, at) => claim(at % 2 ? one : two)),
      )
      const leads = claims.filter(({ kind }) => kind === 'lead')
      const follows = claims.filter(({ kind }) => kind === 'follow')
      assert.deepEqual([leads.length, follows.length], [1, 99])
      leading(leads[0] as Claim).end('kept')
      const ends = await Promise.all(follows.map((each) => following(each).next))
      assert.deepEqual(new Set(ends.map(({ kind }) => kind)), new Set(['kept']))
    })

    for (const how of ['kept', 'refused', 'failed'] as const)
      it(`tell those who wait that they were ${how}`, async () => {
        const { lead, follow } = await pair()
        lead.end(how)
        assert.deepEqual(await follow.next, { kind: how })
        await follow.over
        const next = await claim(shared())
        assert.equal(next.kind, how === 'refused' ? 'alone' : 'lead')
      })

    it('say when their making began', async () => {
      const from = await store.entries.clock()
      const lead = leading(await claim(shared()))
      assert.ok(lead.since >= from && lead.since <= (await store.entries.clock()))
    })

    it('are kept only with the token of who makes them', async () => {
      const lead = leading(await claim(shared()))
      const entry = { head: Buffer.from('h'), body: Buffer.from('b') }
      const variant = { ...{ vary: [], variant: '', entry }, ttlMs: 60_000, maxVariants: 5 }
      const kept = (token: string) =>
        store.entries.keep(place.key, { ...variant, fill: { variant: '', token } })
      assert.equal(await kept('another'), false)
      assert.equal(await kept(lead.token), true)
    })

    it('are read while they grow, from the first byte', async () => {
      const { lead, follow } = await pair()
      const live = liveOf()
      live.push(Buffer.from('one '))
      lead.live(live)
      const next = await follow.next
      assert.ok(next.kind === 'live')
      assert.deepEqual(next.live.head, live.head)
      assert.equal(next.live.maxBytes, live.maxBytes)
      const reader = next.live.read()
      const seen: string[] = []
      reader.on('data', (chunk) => seen.push(String(chunk)))
      for (const each of ['two ', 'three ', 'four']) {
        live.push(Buffer.from(each))
        await eventually(each, async () => seen.at(-1) === each || undefined, { everyMs: 2 })
      }
      const late = following(await claim(shared()))
      const joined = await late.next
      assert.ok(joined.kind === 'live')
      const all = text(joined.live.read())
      live.end(true)
      lead.end('kept')
      assert.equal(await all, 'one two three four')
      assert.equal(seen.join(''), 'one two three four')
      await Promise.all([follow.over, late.over])
    })

    it('break off for those who read them where they do', async () => {
      const { lead, follow } = await pair()
      const live = liveOf()
      live.push(Buffer.from('half'))
      lead.live(live)
      const next = await follow.next
      assert.ok(next.kind === 'live')
      const broken = assert.rejects(text(next.live.read()), /broke off/)
      live.end(false)
      lead.end('failed')
      await broken
    })

    it('break off where they end without their last bytes', async () => {
      const { lead, follow } = await pair()
      const live = liveOf()
      live.push(Buffer.from('half'))
      lead.live(live)
      const next = await follow.next
      assert.ok(next.kind === 'live')
      const broken = assert.rejects(text(next.live.read()), /broke off/)
      lead.end('kept')
      await broken
    })

    it('are told in batches while the store is slow, and at once where it is not', async () => {
      const gate = latch()
      const sizes: number[] = []
      let last = 0
      const slow: Fills['write'] = async (...args) => {
        sizes.push(args[2].last - last)
        last = args[2].last
        if (sizes.length === 2) await gate.opened
        return store.fills.write(...args)
      }
      const { lead, follow } = await pair({ lead: { write: slow } })
      const live = liveOf()
      lead.live(live)
      const next = await follow.next
      assert.ok(next.kind === 'live')
      const reading = text(next.live.read())
      const written = (count: number) =>
        eventually(`${count} batches`, async () => sizes.length === count || undefined)
      live.push(Buffer.from('a'))
      await written(2)
      for (const each of 'bcdefghij') live.push(Buffer.from(each))
      gate.open()
      await written(3)
      live.end(true)
      lead.end('kept')
      assert.equal(await reading, 'abcdefghij')
      // The head; a piece at once; what came while it was on its way; the end.
      assert.deepEqual(sizes, [1, 1, 9, 1])
    })

    it('cost nothing but their lease while nobody waits', async () => {
      const calls: string[] = []
      const counted = Object.fromEntries(
        Object.entries(store.fills).map(([name, call]) => [
          name,
          (...args: unknown[]) => {
            calls.push(name)
            return Reflect.apply(call, store.fills, args)
          },
        ]),
      ) as unknown as Fills
      const lead = leading(await claim(shared(counted)))
      const live = liveOf()
      lead.live(live)
      for (let at = 0; at < 50; at += 1) live.push(Buffer.from('piece'))
      live.end(true)
      lead.end('kept')
      await eventually('its end', async () => calls.includes('end') || undefined)
      const others = calls.filter((name) => name !== 'renew')
      assert.deepEqual(others, ['onWatched', 'claim', 'end'])
    })

    it('are whole where messages were lost on their way', async () => {
      const watch: Fills['watch'] = (where, token, listener, call) => {
        const lossy = {
          batch: (batch: Parameters<typeof listener.batch>[0]) => {
            if (batch.last === 1 || batch.last % 3 === 0) listener.batch(batch)
          },
          ended: listener.ended,
        }
        return store.fills.watch(where, token, lossy, call)
      }
      const { lead, follow } = await pair({ follow: { watch } })
      const live = liveOf()
      lead.live(live)
      const next = await follow.next
      assert.ok(next.kind === 'live')
      const reading = text(next.live.read())
      for (const each of 'abcdefghijklmnopqrstuvwxyz') {
        live.push(Buffer.from(each))
        await wait(1)
      }
      live.end(true)
      lead.end('kept')
      assert.equal(await reading, 'abcdefghijklmnopqrstuvwxyz')
    })

    for (const [fact, isKept] of [
      ['is not kept either', (last: number) => last !== 3],
      ['is not kept either, nor what came after it', (last: number) => last < 3],
    ] as const)
      it(`break off where what was lost ${fact}`, async () => {
        let lost = false
        const watch: Fills['watch'] = (where, token, { batch, ended }, call) => {
          const lossy = {
            batch: (one: Parameters<typeof batch>[0]) => {
              if (one.last !== 3) batch(one)
              else lost = true
            },
            ended,
          }
          return store.fills.watch(where, token, lossy, call)
        }
        const look: Fills['look'] = async (...args) => {
          const view = await store.fills.look(...args)
          return { ...view, batches: view.batches.filter(({ last }) => isKept(last)) }
        }
        const { lead, follow } = await pair({ follow: { watch, look } })
        const live = liveOf()
        lead.live(live)
        const next = await follow.next
        assert.ok(next.kind === 'live')
        const broken = assert.rejects(text(next.live.read()), /broke off/)
        live.push(Buffer.from('a'))
        await eventually('two', async () => next.live.kept === 1 || undefined, { everyMs: 2 })
        live.push(Buffer.from('b'))
        await eventually('three', async () => lost || undefined, { everyMs: 2 })
        live.push(Buffer.from('c'))
        await broken
        lead.end('kept')
      })

    it('are taken from the store by who comes to read them when they have ended', async () => {
      const gate = latch()
      const watch: Fills['watch'] = async (...args) => {
        await gate.opened
        return store.fills.watch(...args)
      }
      const { lead, follow } = await pair({ follow: { watch } })
      const live = liveOf()
      live.push(Buffer.from('all'))
      lead.live(live)
      live.end(true)
      await eventually('it is sent', async () => {
        const { batches } = await store.fills.look(place, lead.token, 0)
        return batches.length > 0 || undefined
      })
      lead.end('kept')
      await eventually('it has ended', async () => {
        const { state } = await store.fills.look(place, lead.token, 0)
        return state === 'kept' || undefined
      })
      gate.open()
      assert.deepEqual(await follow.next, { kind: 'kept' })
    })

    it('are not read where their head is not one of this cache', async () => {
      const heads = encodePieces(place.key, [
        { kind: 'head', head: headOf(), maxBytes: 9 },
        { kind: 'head', head: headOf(), maxBytes: 9 },
      ])
      for (const [bytes, last] of [
        [Buffer.from('garbage'), 1],
        [encodePieces('cache:{b}', [{ kind: 'head', head: headOf(), maxBytes: 9 }]), 1],
        [encodePieces(place.key, [{ kind: 'body', bytes: Buffer.from('no head') }]), 1],
        [heads, 2],
        [heads, 1],
      ] as const) {
        const { lead, follow } = await pair()
        await store.fills.write(place, lead.token, { last, bytes }, 3000)
        assert.deepEqual(await follow.next, { kind: 'refused' })
        lead.end('failed')
        await eventually('an end', async () => (await claim(shared())).kind === 'lead' || undefined)
        await store.entries.drop(place.key)
        store = await stores.empty()
      }
    })

    it('are not joined once they are too large', async () => {
      const lead = leading(await claim(shared()))
      const live = liveOf(10)
      lead.live(live)
      live.push(Buffer.alloc(11))
      const follow = following(await claim(shared()))
      assert.deepEqual(await follow.next, { kind: 'refused' })
      live.end(true)
      lead.end('kept')
    })

    it('go on for those who joined before they were too large, and for nobody else', async () => {
      const { lead, follow } = await pair()
      const live = liveOf(10)
      lead.live(live)
      const next = await follow.next
      assert.ok(next.kind === 'live')
      let seen = ''
      const reader = next.live.read().on('data', (chunk) => {
        seen += chunk
      })
      for (const each of ['12345', '67890', 'abcde', 'fghij']) {
        live.push(Buffer.from(each))
        await eventually(each, async () => seen.endsWith(each) || undefined, { everyMs: 2 })
      }
      assert.equal(next.live.joinable, false)
      assert.deepEqual(await following(await claim(shared())).next, { kind: 'refused' })
      live.end(true)
      lead.end('kept')
      await once(reader, 'end')
      assert.equal(seen, '1234567890abcdefghij')
    })

    it('are followed no more by who leaves', async () => {
      let watching = 0
      const watch: Fills['watch'] = async (...args) => {
        watching += 1
        const leave = await store.fills.watch(...args)
        return () => {
          watching -= 1
          return leave()
        }
      }
      const { lead, follow } = await pair({ follow: { watch } })
      const live = liveOf()
      lead.live(live)
      const next = await follow.next
      assert.ok(next.kind === 'live')
      const broken = assert.rejects(text(next.live.read()), /broke off/)
      assert.equal(watching, 1)
      follow.leave()
      assert.equal(watching, 0)
      await broken
      const other = following(await claim(shared({ watch })))
      other.leave()
      await other.over
      await eventually('it watches no more', async () => watching === 0 || undefined)
      lead.end('failed')
    })

    it('are lost by who lets another take them', async () => {
      const { lead, follow } = await pair()
      await store.fills.end(place, lead.token, 'failed', { keepMs: 1000, aloneMs: 0 })
      const other = leading(await claim(shared()))
      assert.deepEqual(await follow.next, { kind: 'failed' })
      lead.live(liveOf())
      await eventually('it is noticed', async () => lead.lost || undefined)
      assert.equal(other.lost, false)
      lead.end('kept')
      assert.equal((await claim(shared())).kind, 'follow')
      other.end('failed')
    })

    it('are as good as gone where the store cannot be asked', async () => {
      const away = async (): Promise<never> => {
        throw new Error('away')
      }
      const lead = leading(await claim(shared()))
      for (const change of [{ look: away }, { watch: away }])
        assert.deepEqual(await following(await claim(shared(change))).next, { kind: 'away' })
      assert.equal((await claim(shared({ claim: away }))).kind, 'away')
      lead.end('failed')
    })

    it('are left to others by a process that closes', async () => {
      const [one, two] = [shared(), shared()]
      const [first, second] = [leading(await claim(one)), following(await claim(two))]
      await one.close()
      assert.deepEqual(await second.next, { kind: 'failed' })
      assert.equal((await claim(one)).kind, 'away')
      const third = leading(await claim(two))
      const fourth = following(await claim(shared()))
      const fifth = following(await claim(two))
      await two.close()
      assert.deepEqual(await fifth.next, { kind: 'away' })
      assert.deepEqual(await fourth.next, { kind: 'failed' })
      assert.deepEqual([first.lost, third.lost], [false, false])
    })
  })
}
