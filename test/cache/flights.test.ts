import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { Boarding, Follower, Lease } from '../../lib/cache/flight.ts'
import { Flights } from '../../lib/cache/flights.ts'
import { type Purges, purgesOf } from '../../lib/cache/purges.ts'
import { createStore } from '../../lib/store.ts'
import { liveOf } from './lives.ts'

function follower(variant = ''): Follower {
  return { marks: ['u:a'], variantOf: () => variant, onGone: () => undefined }
}

/** Purges of a store of its own. */
function purges(): Purges {
  return purgesOf(createStore({ provider: 'embedded' }))
}

function led(boarding: Boarding<string>): Lease<string> {
  assert.ok(boarding.kind === 'lead')
  return boarding.lease
}

async function landed(boarding: Boarding<string>): Promise<string> {
  return boarding.kind === 'wait' ? (await boarding.landing).kind : boarding.kind
}

describe('an answer that requests share while it grows', () => {
  it('is given to those who wait and those who come', async () => {
    const flights = new Flights<string>(purges())
    const lease = led(flights.board('a', '', follower()))
    const waiting = flights.board('a', '', follower())
    const live = liveOf()
    lease.live(live)
    assert.ok(waiting.kind === 'wait')
    assert.deepEqual(await waiting.landing, { kind: 'live', live })
    assert.deepEqual(flights.board('a', '', follower()), { kind: 'live', live })
  })

  it('is given to nobody who asks for another variant', async () => {
    const flights = new Flights<string>(purges())
    const lease = led(flights.board('a', '', follower('de')))
    const waiting = ['fr', 'de'].map((each) => flights.board('a', '', follower(each)))
    lease.live(liveOf(1024, { names: ['accept-language'], variant: 'de' }))
    assert.deepEqual(await Promise.all(waiting.map(landed)), ['again', 'live'])
    assert.equal(flights.board('a', 'de', follower('de')).kind, 'live')
    assert.equal(flights.board('a', 'de', follower('fr')).kind, 'alone')
    assert.equal(flights.board('a', 'fr', follower('fr')).kind, 'lead')
  })

  it('keeps nobody waiting once it is too large or broken off', () => {
    const flights = new Flights<string>(purges())
    for (const [resource, spoil] of [
      ['a', (live: ReturnType<typeof liveOf>) => live.push(Buffer.alloc(2000))],
      ['b', (live: ReturnType<typeof liveOf>) => live.end(false)],
    ] as const) {
      const live = liveOf()
      led(flights.board(resource, '', follower())).live(live)
      spoil(live)
      assert.equal(flights.board(resource, '', follower()).kind, 'alone')
    }
  })

  it('is given whole once it has ended, until its copy is there', async () => {
    const flights = new Flights<string>(purges())
    const lease = led(flights.board('a', '', follower()))
    const live = liveOf()
    lease.live(live)
    live.end(true)
    assert.equal(flights.board('a', '', follower()).kind, 'live')
    lease.land('copy', new Promise(() => undefined))
    assert.deepEqual(flights.board('a', '', follower()), { kind: 'copy', copy: 'copy' })
  })

  it('is given to nobody after it was refused or abandoned', () => {
    const flights = new Flights<string>(purges())
    const refused = led(flights.board('a', '', follower()))
    refused.live(liveOf())
    refused.refuse()
    assert.equal(flights.board('a', '', follower()).kind, 'alone')
    const abandoned = led(flights.board('b', '', follower()))
    abandoned.live(liveOf())
    abandoned.abandon()
    assert.equal(flights.board('b', '', follower()).kind, 'lead')
  })

  it('is no matter any more to a lease that has ended', () => {
    const flights = new Flights<string>(purges())
    const lease = led(flights.board('a', '', follower()))
    lease.abandon()
    lease.live(liveOf())
    assert.equal(flights.board('a', '', follower()).kind, 'lead')
  })
})

describe('an answer that is purged while requests share it', () => {
  it('is for nobody who comes later, whatever becomes known of it', async () => {
    const heard = purges()
    const flights = new Flights<string>(heard)
    const lease = led(flights.board('a', '', follower()))
    const waiting = flights.board('a', '', follower())
    heard.tell(['u:a'])
    lease.narrow(['accept-language'], 'de')
    assert.equal(flights.find('a', 'de'), undefined)
    lease.live(liveOf(1024, { names: ['accept-language'], variant: 'de' }))
    assert.equal(flights.find('a', 'de'), undefined)
    assert.equal(await landed(waiting), 'again')
    lease.land('copy', new Promise(() => undefined))
    assert.equal(flights.board('a', '', follower()).kind, 'lead')
    assert.equal(flights.board('a', 'de', follower('de')).kind, 'lead')
  })

  it('has tags and groups that are told while it grows, not before, and not afterwards', () => {
    const heard = purges()
    const flights = new Flights<string>(heard)
    const lease = led(flights.board('a', '', follower()))
    for (const other of ['u:b', 's:b', 'cache:{b}']) heard.tell([other])
    assert.equal(flights.board('a', '', follower()).kind, 'wait')
    lease.live(liveOf())
    heard.tell(['t:b', 'g:b'])
    assert.equal(flights.board('a', '', follower()).kind, 'live')
    lease.land('copy', new Promise(() => undefined))
    assert.equal(flights.board('a', '', follower()).kind, 'copy')
    heard.tell(['t:b'])
    assert.equal(flights.board('a', '', follower()).kind, 'lead')
    heard.tell(['g:b'])
    assert.equal(flights.board('a', '', follower()).kind, 'lead')
    heard.tell(['a'])
    assert.equal(flights.board('a', '', follower()).kind, 'lead')
  })

  it('is heard of only while there is one', () => {
    const listening = new Set<unknown>()
    const flights = new Flights<string>({
      hear: (listener) => void listening.add(listener),
      ignore: (listener) => void listening.delete(listener),
    })
    assert.equal(listening.size, 0)
    const leases = ['a', 'b'].map((each) => led(flights.board(each, '', follower())))
    leases[0]?.abandon()
    assert.equal(listening.size, 1)
    leases[1]?.refuse()
    assert.equal(listening.size, 0)
    led(flights.board('c', '', follower()))
    flights.purged(['u:a'])
    assert.equal(listening.size, 0)
  })
})
