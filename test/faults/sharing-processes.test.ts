import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { fillKey } from '../../lib/keys.ts'
import { eventually } from '../support/eventually.ts'
import { startMonitor } from '../support/monitor.ts'
import { killAtExit } from '../support/processes.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import type { Order, Word } from '../support/sharing-process.ts'

const program = fileURLToPath(new URL('../support/sharing-process.ts', import.meta.url))
const key = 'cache:{a}'
const leaseMs = 3000

type Said = Word['said']

/** Another process, and all it has said. */
class Other {
  readonly words: Word[] = []
  readonly child: ChildProcess

  constructor(url: string) {
    this.child = fork(program, [url], { execArgv: ['--import', 'tsx'] })
    killAtExit(this.child)
    this.child.on('message', (word: Word) => this.words.push(word))
  }

  tell(order: Order): void {
    this.child.send(order)
  }

  /** The first word of a kind about an answer, once it is said. */
  said<Kind extends Said>(name: string, said: Kind): Promise<Extract<Word, { said: Kind }>> {
    return eventually(
      `${said} of ${name}`,
      async () => {
        const word = this.words.find((each) => each.name === name && each.said === said)
        return word as Extract<Word, { said: Kind }> | undefined
      },
      { everyMs: 5 },
    )
  }

  async claim(name: string): Promise<string> {
    this.tell({ do: 'claim', name, key })
    return (await this.said(name, 'claimed')).kind
  }

  async next(name: string): Promise<string> {
    return (await this.said(name, 'next')).kind
  }

  /** What has come of the text of an answer. */
  text(name: string): string {
    return this.words
      .map((word) => (word.name === name && word.said === 'text' ? word.text : ''))
      .join('')
  }

  async reads(name: string, end: string): Promise<void> {
    await eventually(`${end} of ${name}`, async () => this.text(name).endsWith(end) || undefined, {
      everyMs: 5,
    })
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exited = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await exited
  }
}

describe('answers that two processes share', function () {
  this.timeout(60_000)
  let server: TestServer
  let one: Other
  let two: Other

  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())
  beforeEach(async () => {
    await server.client().flushall()
    ;[one, two] = [new Other(server.url), new Other(server.url)]
    await Promise.all([one, two].map(({ child }) => once(child, 'message')))
    for (const { words } of [one, two]) words.length = 0
  })
  afterEach(async () => {
    server.thaw()
    await Promise.all([one.stop(), two.stop()])
  })

  /** The first leads, and is being read by the second. */
  async function joined(): Promise<void> {
    assert.equal(await one.claim('a'), 'lead')
    one.tell({ do: 'live', name: 'a' })
    one.tell({ do: 'push', name: 'a', text: 'one ' })
    assert.equal(await two.claim('a'), 'follow')
    assert.equal(await two.next('a'), 'live')
    await two.reads('a', 'one ')
  }

  it('are made anew where the process that made them is killed before its head', async () => {
    assert.equal(await one.claim('a'), 'lead')
    assert.equal(await two.claim('a'), 'follow')
    one.child.kill('SIGKILL')
    assert.equal(await two.next('a'), 'lapsed')
    assert.equal(await two.claim('b'), 'lead')
  })

  it('break off where the process that made them is killed after its head', async () => {
    await joined()
    one.child.kill('SIGKILL')
    await two.said('a', 'broken')
    assert.equal(two.text('a'), 'one ')
    assert.equal(await two.claim('b'), 'lead')
  })

  it('are lost by a process that is frozen longer than its lease, before its head', async () => {
    assert.equal(await one.claim('a'), 'lead')
    assert.equal(await two.claim('a'), 'follow')
    one.child.kill('SIGSTOP')
    assert.equal(await two.next('a'), 'lapsed')
    assert.equal(await two.claim('b'), 'lead')
    one.tell({ do: 'keep', name: 'a' })
    one.tell({ do: 'lost', name: 'a' })
    one.child.kill('SIGCONT')
    assert.equal((await one.said('a', 'kept')).kept, false)
    assert.equal((await one.said('a', 'lost')).lost, true)
    two.tell({ do: 'keep', name: 'b' })
    assert.equal((await two.said('b', 'kept')).kept, true)
  })

  it('break off where the process that made them is frozen longer than its lease', async () => {
    await joined()
    one.child.kill('SIGSTOP')
    await two.said('a', 'broken')
    assert.equal(await two.claim('b'), 'lead')
    two.tell({ do: 'live', name: 'b' })
    two.tell({ do: 'push', name: 'b', text: 'new ' })
    one.child.kill('SIGCONT')
    one.tell({ do: 'push', name: 'a', text: 'late' })
    one.tell({ do: 'end', name: 'a', how: 'kept', whole: true })
    assert.equal(await one.claim('b'), 'follow')
    assert.equal(await one.next('b'), 'live')
    two.tell({ do: 'end', name: 'b', how: 'kept', whole: true })
    await one.said('b', 'whole')
    assert.equal(one.text('b'), 'new ')
  })

  it('are whole where the process that makes them is frozen shorter than its lease', async () => {
    await joined()
    one.child.kill('SIGSTOP')
    await wait(1200)
    one.child.kill('SIGCONT')
    one.tell({ do: 'push', name: 'a', text: 'two' })
    one.tell({ do: 'end', name: 'a', how: 'kept', whole: true })
    await two.said('a', 'whole')
    assert.equal(two.text('a'), 'one two')
  })

  it('are whole where the process that follows them is frozen meanwhile', async () => {
    await joined()
    two.child.kill('SIGSTOP')
    for (let at = 0; at < 200; at += 1) one.tell({ do: 'push', name: 'a', text: `${at} ` })
    one.tell({ do: 'end', name: 'a', how: 'kept', whole: true })
    await wait(leaseMs)
    two.child.kill('SIGCONT')
    await two.said('a', 'whole')
    assert.equal(two.text('a'), `one ${Array.from({ length: 200 }, (_, at) => `${at} `).join('')}`)
  })

  it('are whole where Redis is frozen for a moment', async () => {
    await joined()
    server.freeze()
    one.tell({ do: 'push', name: 'a', text: 'two ' })
    await wait(1200)
    one.tell({ do: 'push', name: 'a', text: 'three' })
    server.thaw()
    await two.reads('a', 'three')
    one.tell({ do: 'end', name: 'a', how: 'kept', whole: true })
    await two.said('a', 'whole')
    assert.equal(two.text('a'), 'one two three')
  })

  it('break off, and are lost, where Redis is frozen longer than a lease', async () => {
    await joined()
    server.freeze()
    await two.said('a', 'broken')
    one.tell({ do: 'lost', name: 'a' })
    await eventually('it is lost', async () => {
      one.tell({ do: 'lost', name: 'a' })
      return one.words.some((word) => word.said === 'lost' && word.lost) || undefined
    })
    server.thaw()
    await eventually('another leads', async () => {
      const name = `again ${two.words.length}`
      return (await two.claim(name)) === 'lead' || undefined
    })
  })

  it('are waited for no longer where Redis is frozen', async () => {
    assert.equal(await one.claim('a'), 'lead')
    assert.equal(await two.claim('a'), 'follow')
    server.freeze()
    assert.equal(await two.next('a'), 'away')
    assert.equal(await two.claim('b'), 'away')
  })

  it('are whole where the connections to Redis are lost meanwhile', async () => {
    await joined()
    const client = server.client()
    for (let at = 0; at < 5; at += 1) {
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes')
      one.tell({ do: 'push', name: 'a', text: `${at} ` })
      await wait(300)
    }
    one.tell({ do: 'end', name: 'a', how: 'kept', whole: true })
    await two.said('a', 'whole')
    assert.equal(two.text('a'), 'one 0 1 2 3 4 ')
  })

  it('are made by one where 500 ask for them', async () => {
    const names = Array.from({ length: 500 }, (_, at) => `${at}`)
    for (const [at, name] of names.entries()) (at % 2 ? one : two).tell({ do: 'claim', name, key })
    const claims = await Promise.all(
      names.map(async (name, at) => (await (at % 2 ? one : two).said(name, 'claimed')).kind),
    )
    assert.equal(claims.filter((kind) => kind === 'lead').length, 1)
    assert.equal(claims.filter((kind) => kind === 'follow').length, 499)
    const at = claims.indexOf('lead')
    const [leader, name] = [at % 2 ? one : two, `${at}`]
    leader.tell({ do: 'end', name, how: 'kept', whole: true })
    const ends = await Promise.all(
      names.filter((each) => each !== name).map((each) => (+each % 2 ? one : two).next(each)),
    )
    assert.deepEqual(new Set(ends), new Set(['kept']))
  })

  it('send nothing but their lease while nobody waits, and keep it', async () => {
    const monitor = await startMonitor(server)
    assert.equal(await one.claim('a'), 'lead')
    one.tell({ do: 'live', name: 'a' })
    const text = 'a piece of the answer '
    for (let at = 0; at < 40; at += 1) {
      one.tell({ do: 'push', name: 'a', text })
      await wait(100)
    }
    assert.equal(await server.client().exists(fillKey(key, '')), 1)
    // What a script does comes from `lua`.
    const sent = monitor.lines.filter((line) => line.includes('{a}') && !line.includes(' lua]'))
    monitor.stop()
    assert.deepEqual(
      sent.filter((line) => line.includes('piece')),
      [],
    )
    // A claim, perhaps twice where its script was not known, and a renewal a second.
    assert.ok(sent.length >= 4 && sent.length <= 10, `${sent.length} commands`)
    assert.equal(await two.claim('a'), 'follow')
    await two.reads('a', text.repeat(40))
  })
})
