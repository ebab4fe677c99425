import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { describe, it } from 'mocha'
import { codecOf } from '../../lib/history/codec.ts'
import { encrypted, json, OptionError, type Serializer } from '../../lib/index.ts'
import { jsonBody } from '../../middleware/json-body.ts'

const canary = 'a bird of gold'
const key = Buffer.alloc(32, 7)

/** All that could be logged of what a task throws. */
async function told(task: () => unknown): Promise<string> {
  try {
    await task()
  } catch (error) {
    return inspect(error, { depth: 20, showHidden: true })
  }
  return assert.fail('nothing was thrown')
}

describe('errors say nothing of the text', () => {
  it('of stored JSON that cannot be read', async () => {
    const broken: Serializer = { ...json, encode: () => Buffer.from(`${canary} is no JSON`) }
    const secret = encrypted([{ id: 'a', key }], { serializer: broken })
    const bytes = broken.encode(0)
    const kept = (serializer: Serializer) => codecOf(serializer, 'ann')
    for (const text of [
      await told(() => json.decode(bytes)),
      await told(() => kept(json).decode('m1', bytes)),
      await told(() => kept(broken).decode('m1', bytes)),
      await told(() => kept(secret).decode('m1', kept(secret).encode('m1', 0))),
    ])
      assert.ok(!text.includes(canary), text)
  })

  it('of a body that is no JSON', async () => {
    const headers = { 'content-type': 'application/json', 'content-length': '9' }
    const exchange = { req: { headers }, parsedBody: () => `${canary} is no JSON` }
    const text = await told(() => jsonBody(exchange as never))
    assert.match(text, /The body is no JSON/)
    assert.ok(!text.includes(canary), text)
  })

  it('of a key, wherever it was put', async () => {
    const text = key.toString('base64')
    const slips = [
      text,
      { id: 'a', key: text },
      [text],
      [{ id: text, key: 'a' }],
      [{ id: 'a', key: text.slice(4) }],
    ]
    for (const keys of slips) {
      assert.throws(() => encrypted(keys as never), OptionError)
      assert.ok(!(await told(() => encrypted(keys as never))).includes(text.slice(4, 24)))
    }
  })
})
