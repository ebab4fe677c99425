import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, it } from 'mocha'
import { liveOf } from './lives.ts'

async function failure(reader: Readable): Promise<string> {
  const [error] = (await once(reader, 'error')) as [Error]
  return error.message
}

describe('an answer in the making', () => {
  it('is read from its first byte, whenever one begins', async () => {
    const live = liveOf()
    const first = text(live.read())
    live.push(Buffer.from('one '))
    const second = text(live.read())
    live.push(Buffer.from('two'))
    live.end(true)
    const third = text(live.read())
    assert.deepEqual(await Promise.all([first, second, third]), ['one two', 'one two', 'one two'])
    assert.equal(live.ended, true)
    assert.equal(live.readers, 0)
  })

  it('hands on a piece as soon as it comes', async () => {
    const live = liveOf()
    const reader = live.read()
    const seen: string[] = []
    reader.on('data', (chunk) => seen.push(String(chunk)))
    for (const each of ['a', 'b', 'c']) {
      live.push(Buffer.from(each))
      await turn()
      assert.equal(seen.at(-1), each)
    }
    reader.destroy()
  })

  it('shares the bytes of a piece between its readers', async () => {
    const live = liveOf()
    const piece = Buffer.from('shared')
    const seen = [live.read(), live.read()].map((reader) => once(reader, 'data'))
    live.push(piece)
    for (const [chunk] of await Promise.all(seen)) assert.equal(chunk, piece)
  })

  it('passes each piece through what cuts it, for each reader', async () => {
    const live = liveOf()
    const cut = text(live.read((chunk) => (chunk.length > 2 ? chunk.subarray(2) : undefined)))
    const whole = text(live.read())
    for (const each of ['ab', 'cdef', 'g']) live.push(Buffer.from(each))
    live.end(true)
    assert.deepEqual([await cut, await whole], ['ef', 'abcdefg'])
  })

  it('ends readers that have taken all, and those that have not asked yet', async () => {
    const live = liveOf()
    const late = live.read()
    live.end(true)
    assert.equal((await buffer(late)).length, 0)
  })

  it('gives readers an error where it breaks off, and those who come later', async () => {
    const live = liveOf()
    live.push(Buffer.from('half'))
    const failed = failure(live.read())
    live.end(false)
    assert.match(await failed, /broke off/)
    assert.equal(live.joinable, false)
    assert.match(await failure(live.read()), /broke off/)
    assert.equal(live.kept, 0)
  })

  it('takes nothing after its end', async () => {
    const live = liveOf()
    live.push(Buffer.from('all'))
    live.end(true)
    live.push(Buffer.from('more'))
    live.end(false)
    assert.equal(await text(live.read()), 'all')
  })

  it('forgets a reader that is destroyed', () => {
    const live = liveOf()
    const readers = [live.read(), live.read()]
    assert.equal(live.readers, 2)
    for (const reader of readers) reader.destroy()
    assert.equal(live.readers, 0)
  })

  it('goes on for the others where one fails to take a piece', async () => {
    const live = liveOf()
    const seen: string[] = []
    const bad = live.read(() => {
      throw new Error('cannot cut')
    })
    const good = live.read().on('data', (chunk) => seen.push(String(chunk)))
    const failed = failure(bad)
    bad.resume()
    await turn()
    live.push(Buffer.from('a'))
    live.push(Buffer.from('b'))
    assert.equal(await failed, 'cannot cut')
    await turn()
    assert.deepEqual(seen, ['a', 'b'])
    good.destroy()
  })

  describe('larger than what is kept of it', () => {
    it('cannot be joined any more, but goes on for its readers', async () => {
      const live = liveOf(10)
      const reading = text(live.read())
      for (let at = 0; at < 10; at += 1) {
        assert.equal(live.joinable, at < 3)
        live.push(Buffer.from('12345'))
        await turn()
      }
      live.end(true)
      assert.equal(await reading, '12345'.repeat(10))
      assert.match(await failure(live.read()), /broke off/)
    })

    it('keeps no piece that all readers have passed', async () => {
      const live = liveOf(10)
      const reader = live.read().resume()
      for (let at = 0; at < 100; at += 1) {
        live.push(Buffer.from('12345'))
        await turn()
        assert.ok(live.kept <= 3, `${live.kept} pieces`)
      }
      reader.destroy()
    })

    it('gives up a reader that is further behind, and no other', async () => {
      const live = liveOf(1000)
      const slow = live.read()
      const quick = text(live.read())
      const failed = failure(slow)
      const piece = Buffer.alloc(100, 'x')
      // What a stream takes ahead of its reader counts as passed.
      const needed = Math.ceil((1000 + slow.readableHighWaterMark) / 100) + 2
      for (let at = 0; at < needed; at += 1) {
        live.push(piece)
        await turn()
      }
      assert.match(await failed, /too far ahead/)
      live.end(true)
      assert.equal((await quick).length, needed * 100)
    })

    it('keeps as little for a thousand readers as for one', async () => {
      const live = liveOf(10)
      let taken = 0
      const readers = Array.from({ length: 1000 }, () => {
        const reader = live.read()
        reader.on('data', () => {
          taken += 1
        })
        return reader
      })
      await turn()
      let most = 0
      for (let at = 0; at < 50; at += 1) {
        live.push(Buffer.from('12345'))
        most = Math.max(most, live.kept)
        await turn()
      }
      assert.equal(taken, 50_000)
      assert.ok(most <= 3, `${most} pieces`)
      live.end(true)
      await Promise.all(readers.map((reader) => reader.closed || once(reader, 'close')))
      assert.equal(live.readers, 0)
    })
  })
})
