import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'mocha'
import type { Counts } from '../../support/fault-run.ts'
import { holds, tell } from '../../support/fault-table.ts'
import { type ForkedApp, forkApp } from '../../support/forked-app.ts'
import { startRedis, type TestServer } from '../../support/redis.ts'

const rounds = 100
const sessionApp = new URL('../../support/session-app.ts', import.meta.url)
const sessionPeer = new URL('../../support/session-peer.ts', import.meta.url)

/** One app in two processes, and how a visitor is known to it. */
interface Pair {
  readonly who: string
  readonly apps: readonly [ForkedApp, ForkedApp]
  /** The fields that a visitor sends. */
  visitor(): Promise<Record<string, string>>
}

/** What is kept of a visitor, by the name of the place. */
type Kept = Readonly<Record<string, unknown>>

describe('two processes on one session', function () {
  this.timeout(120_000)
  let server: TestServer
  const ours: Pair[] = []
  let peer: Pair

  before(async () => {
    server = await startRedis()
    for (const framework of ['express', 'koa'])
      ours.push(await pairOf(framework, sessionApp, [framework, server.url]))
    peer = await pairOf('express-session', sessionPeer, [server.url])
  })
  after(async () => {
    await Promise.all([...ours, peer].flatMap(({ apps }) => apps.map((app) => app.stop())))
    await server.stop()
  })

  it('overwrite nothing of each other, where express-session does', async () => {
    for (const pair of [...ours, peer]) {
      const counts = await writtenAtOnce(pair)
      tell('two processes write to one session at once', pair.who, counts)
      if (pair !== peer) holds(counts)
      else assert.ok(counts.lost >= rounds / 2, JSON.stringify(counts))
    }
  })

  for (const [name, query] of [
    ['is streamed', 'turn'],
    ['comes at once', 'turn&at=once'],
  ] as const)
    it(`bring no deleted session back by an answer that ${name}, where express-session does`, async () => {
      for (const pair of [...ours, peer]) {
        const revived = await revivedBy(query, pair)
        const counts = { ...none, served: 20 - revived, lost: revived }
        tell(`a session is deleted under a running turn that ${name}`, pair.who, counts)
        if (pair !== peer) holds(counts)
        else assert.ok(revived >= 10, `${revived} of 20`)
      }
    })
})

const none: Counts = {
  ...{ served: 0, degraded: 0, failed: 0, hung: 0, lost: 0, doubled: 0, reordered: 0 },
  ...{ longestMs: 0, backMs: 0, grownMb: 0 },
}

let visitors = 0

async function pairOf(who: string, file: URL, args: readonly string[]): Promise<Pair> {
  const apps = (await Promise.all([forkApp(file, args), forkApp(file, args)])) as [
    ForkedApp,
    ForkedApp,
  ]
  const visitor = async () => {
    visitors += 1
    const known = { 'x-user': `user-${visitors}` }
    const first = await fetch(`${apps[0].url}/?write=first`, { headers: known })
    assert.equal(first.status, 200)
    const cookie = first.headers.getSetCookie()[0]?.split(';')[0]
    return { ...known, ...(cookie && { cookie }) }
  }
  return { who, apps, visitor }
}

/** Lets both processes write to a session at once, time and again, and counts what is there. */
async function writtenAtOnce({ apps, visitor }: Pair): Promise<Counts> {
  const counts = { ...none }
  const round = async () => {
    const headers = await visitor()
    const asked = apps.map(async ({ url }, at) => {
      const began = performance.now()
      const reply = await fetch(`${url}/?write=from-${at}`, { headers })
      await reply.text()
      counts.longestMs = Math.max(counts.longestMs, Math.round(performance.now() - began))
      return reply.status
    })
    const statuses = await Promise.all(asked)
    counts.failed += statuses.filter((status) => status !== 200).length
    counts.served += statuses.filter((status) => status === 200).length
    const reply = await fetch(apps[0].url, { headers })
    const { lost, doubled } = missing((await reply.json()) as Kept)
    counts.lost += lost
    counts.doubled += doubled
  }
  for (let done = 0; done < rounds; done += 5)
    await Promise.all(Array.from({ length: 5 }, () => round()))
  return counts
}

/** Which of the two writes and the first are not in each place where they were put, or twice. */
function missing({ said, ...places }: Kept): { lost: number; doubled: number } {
  const lists = [said, ...Object.values(places).map((place) => (place as Kept)?.['list'])].filter(
    (list) => Array.isArray(list),
  ) as string[][]
  const named = Object.values(places).filter((place) => !Array.isArray(place)) as Kept[]
  const written = ['first', 'from-0', 'from-1']
  const times = written.map((each) =>
    lists.map((list) => list.filter((item) => item === each).length),
  )
  const lost = times.filter((counts) => counts.includes(0)).length
  const unnamed = written.filter((each) => named.some((place) => place[each] !== true)).length
  const uncounted = named.filter((place) => place['count'] !== written.length).length
  return {
    lost: Math.max(lost, unnamed, uncounted),
    doubled: times.filter((counts) => counts.some((count) => count > 1)).length,
  }
}

/** Deletes sessions in one process while the other answers, and counts those that come back. */
async function revivedBy(query: string, { apps: [one, two], visitor }: Pair): Promise<number> {
  const revived = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const headers = await visitor()
      const running = fetch(`${one.url}/?${query}`, { headers }).then((reply) => reply.text())
      await sleep(200)
      const gone = await fetch(`${two.url}/?delete`, { headers })
      assert.equal(await gone.text(), 'true')
      await running.catch(() => {}) // It may be broken off.
      const reply = await fetch(two.url, { headers })
      // Preferences are the user's, not the session's.
      const { preferences: _, ...kept } = (await reply.json()) as Kept
      return /first|something/i.test(JSON.stringify(kept))
    }),
  )
  return revived.filter((is) => is).length
}
