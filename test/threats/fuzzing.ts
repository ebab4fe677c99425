import assert from 'node:assert/strict'
import { createStore, type Store } from '../../lib/index.ts'
import { canary, fillIn, fuzzedApps, pageFor } from './fuzzed-app.ts'
import { bytesOf, exchange, isWhole, type RawRequest, statusesIn } from './raw-requests.ts'

/** An app under fire, and one like it that nobody attacks. */
export interface Fuzzing {
  readonly url: string
  /** Sends a request, then asks as others would. @throws AssertionError for anything it may not do */
  check(request: RawRequest): Promise<void>
  /** Throws for what comes back and must not. */
  judge(reply: string): void
  stop(): Promise<void>
}

const patienceMs = 3_000
// A body that never comes is waited for: the client leaves.
const leaveMs = 30

/** Starts both, filled in with what only ann may be told. */
export async function startFuzzing(framework: 'express' | 'koa', store: Store): Promise<Fuzzing> {
  const quiet = createStore({ provider: 'embedded' })
  const [app, control] = [await fuzzedApps[framework](store), await fuzzedApps[framework](quiet)]
  await fillIn(app)
  // Beside mocha's own, which fails a test that may not be this one.
  const faults: unknown[] = []
  const note = (fault: unknown) => faults.push(fault)
  process.on('unhandledRejection', note)
  process.on('uncaughtExceptionMonitor', note)

  async function check(request: RawRequest): Promise<void> {
    const cached = /^\/(?:mine|any)/.test(request.target)
    if (cached) await asUser(app.url, request.target, 'ann')
    const whole = isWhole(request)
    const { reply, over } = await exchange(app.url, bytesOf(request), {
      patienceMs: whole ? patienceMs : leaveMs,
    })
    assert.ok(over || !whole, 'it hangs')
    judge(reply)
    if (cached) await harmless(request.target)
    assert.deepEqual(faults, [])
  }

  /** Who asks for the same afterwards gets what they would have got without the attack. */
  async function harmless(target: string): Promise<void> {
    for (const user of ['ann', 'bob', undefined]) {
      const [here, there] = [
        await asUser(app.url, target, user),
        await asUser(control.url, target, user),
      ]
      assert.equal(statusesIn(here)[0], statusesIn(there)[0])
      if (statusesIn(here)[0] === 200) assert.ok(here.endsWith(pageFor(user)), here)
    }
  }

  return {
    url: app.url,
    check,
    judge,
    async stop() {
      process.off('unhandledRejection', note)
      process.off('uncaughtExceptionMonitor', note)
      await app.close()
      await control.close()
      await quiet.close()
      assert.deepEqual(faults, [])
    },
  }
}

function judge(reply: string): void {
  assert.ok(!reply.includes(canary), `it was told what is ann’s:\n${reply.slice(0, 2000)}`)
  // 504 is what `only-if-cached` asks for.
  for (const status of statusesIn(reply))
    assert.ok(status < 500 || status === 504, `${status}:\n${reply.slice(0, 2000)}`)
}

async function asUser(url: string, target: string, user: string | undefined): Promise<string> {
  const field = user === undefined ? '' : `X-User: ${user}\r\n`
  const lines = `GET ${target} HTTP/1.1\r\nHost: fuzz.test\r\n${field}Connection: close\r\n\r\n`
  return (await exchange(url, lines, { patienceMs })).reply
}
