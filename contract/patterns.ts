import assert from 'node:assert/strict'
import { escapePattern } from '../lib/keys.ts'
import { fresh, hostile } from './names.ts'
import type { Suite } from './suite.ts'

const minuteMs = 60_000
const one = Buffer.from('1')

/** How keys are found and removed by pattern, on every provider. */
export function patterns({ open, it }: Suite): void {
  it('finds each matching key once', async () => {
    const group = fresh('group')
    const names = ['hello', 'hallo', 'hllo', 'h*llo', 'h[a]llo', 'heello']
    for (const name of names) await open().set(`${group}:${name}`, one, minuteMs)
    const find = async (pattern: string) =>
      (await open().keys(`${group}:${pattern}`)).map((key) => key.slice(group.length + 1)).sort()

    assert.deepEqual(await find('*'), [...names].sort())
    assert.deepEqual(await find('h?llo'), ['h*llo', 'hallo', 'hello'])
    assert.deepEqual(await find('h[ae]llo'), ['hallo', 'hello'])
    assert.deepEqual(await find('h[^e]llo'), ['h*llo', 'hallo'])
    assert.deepEqual(await find('h[b-f]llo'), ['hello'])
    assert.deepEqual(await find('h*llo'), [...names].sort())
    assert.deepEqual(await find('h\\*llo'), ['h*llo'])
    assert.deepEqual(await find('h'), [])
  })

  it('finds hostile keys by their escaped names', async () => {
    for (const key of hostile) await open().set(key, one, minuteMs)
    for (const key of hostile) {
      assert.deepEqual(await open().keys(escapePattern(key)), [key], JSON.stringify(key))
    }
    await open().delete(hostile)
  })

  it('removes what matches, and nothing else', async () => {
    const group = fresh('group')
    for (let at = 0; at < 1_200; at += 1) await open().set(`${group}:${at}`, one, minuteMs)
    assert.equal(await open().deletePattern(`${group}:1*`), 1 + 10 + 100 + 200)
    assert.equal((await open().keys(`${group}:*`)).length, 1_200 - 311)
    assert.equal(await open().deletePattern(`${group}:1*`), 0)
    await open().deletePattern(`${group}:*`)
  })

  it('is not held up by a pattern of many stars', async () => {
    const key = `${fresh()}${'a'.repeat(900)}`
    await open().set(key, one, minuteMs)
    const startedAt = performance.now()
    assert.deepEqual(await open().keys(`${'*a'.repeat(40)}*b`), [])
    const tookMs = performance.now() - startedAt
    assert.ok(tookMs < 2_000, `took ${tookMs} ms`)
    await open().delete([key])
  })
}
