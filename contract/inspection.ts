import assert from 'node:assert/strict'
import type { Inspection } from '../lib/ports/inspection.ts'
import { bounds, messages, minuteMs, session } from './conversation.ts'
import { eventually } from './expectations.ts'
import { fresh } from './names.ts'
import type { Opened, Suite } from './suite.ts'

/** What a look into a store must tell, on every provider that can be looked into. */
export function inspectionContract({ open, describe, it }: Suite): void {
  const inspection = (): Inspection => {
    const found = open().inspection
    assert.ok(found, 'the provider has no inspection: name it in `without`')
    return found
  }

  describe('a look inside', () => {
    it('counts the keys of all kinds', async () => {
      for (let tries = 1; ; tries += 1) {
        const ended = await endedKeys(open(), inspection())
        const [before, more, after] = await countedAround(open(), inspection())
        // Where keys that other facts have left have ended meanwhile, nothing can be told.
        if (tries < 20 && ended !== (await endedKeys(open(), inspection()))) continue
        assert.deepEqual([more, after], [before + 2, before])
        return
      }
    })

    it('tells the bytes of a key: more where it holds more, none where it is absent', async () => {
      const [small, large] = [fresh(), fresh()]
      await open().set(small, Buffer.from('x'), minuteMs)
      await open().set(large, Buffer.alloc(100_000), minuteMs)
      const sizes = [await inspection().size(small), await inspection().size(large)]
      assert.ok((sizes[0] ?? 0) > 0 && (sizes[0] ?? 0) < 10_000, `${sizes[0]} bytes`)
      assert.ok((sizes[1] ?? 0) >= 100_000, `${sizes[1]} bytes`)
      assert.equal(await inspection().size(fresh()), undefined)
    })

    it('tells the bytes of a conversation', async () => {
      const keys = session()
      await open().history.append(keys, messages('ua'), bounds())
      assert.ok(((await inspection().size(keys.session)) ?? 0) > 0)
    })

    it('tells of every server its clients, memory and statistics, in numbers', async () => {
      await open().get(fresh())
      const nodes = await inspection().nodes()
      assert.ok(nodes.length > 0)
      for (const { address, version, uptime, keys, clients, memory, stats } of nodes) {
        assert.ok(address !== '' && version !== '')
        const { policy, ...bytes } = memory
        assert.notEqual(policy, '')
        for (const number of [
          uptime,
          keys,
          ...Object.values(clients),
          ...Object.values(bytes),
          ...Object.values(stats),
        ])
          assert.ok(typeof number === 'number' && number >= 0, `${address}: ${number}`)
        assert.ok(memory.used <= memory.peak && memory.used > 0)
      }
      await eventually(() => agree(inspection()))
    })

    it('lists slow commands without arguments, newest first', async () => {
      const slow = await inspection().slowlog(5)
      assert.ok(slow.length <= 5)
      for (const { command, durationMs, at } of slow) {
        assert.match(command, /^[A-Z.]+$/)
        assert.ok(durationMs >= 0 && at.getTime() > 0)
      }
      const times = slow.map(({ at }) => at.getTime())
      assert.deepEqual(
        times,
        [...times].sort((one, other) => other - one),
      )
    })
  })
}

/** Keys may end between the two answers. */
async function agree({ nodes, dbsize }: Inspection): Promise<boolean> {
  const total = (await nodes()).reduce((sum, { keys }) => sum + keys, 0)
  return total === (await dbsize())
}

/** Another text where a key has ended since: as servers count them, and as keys are there. */
async function endedKeys(store: ReturnType<Opened>, inspection: Inspection): Promise<string> {
  const nodes = await inspection.nodes()
  const keys = await store.keys('*')
  return JSON.stringify([nodes.map(({ stats }) => stats.expired), keys.sort()])
}

/** Keys before two are added, with them, and after they are deleted. */
async function countedAround(
  store: ReturnType<Opened>,
  inspection: Inspection,
): Promise<[before: number, more: number, after: number]> {
  const before = await inspection.dbsize()
  const [one, other] = [fresh(), fresh()]
  await store.set(one, Buffer.from('1'), minuteMs)
  await store.set(other, Buffer.from('2'), minuteMs)
  const more = await inspection.dbsize()
  await store.delete([one, other])
  return [before, more, await inspection.dbsize()]
}
