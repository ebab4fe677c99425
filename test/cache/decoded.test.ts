import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { type Decoded, decodedOf } from '../../lib/cache/decoded.ts'
import { encodeEntry } from '../../lib/cache/entry.ts'
import { createStore } from '../../lib/index.ts'
import type { KeptEntry } from '../../lib/ports/entries.ts'
import { entryOf } from './entry-of.ts'

const place = { key: 'cache:{a}', variant: '' }

function fresh(): Decoded {
  return decodedOf(createStore({ provider: 'embedded' }).entries)
}

/** What a store gives of an entry with this body: new buffers each time. */
function kept(body: string): KeptEntry {
  const { head, body: bytes } = encodeEntry(place, entryOf(body, { storedAt: 1 }))
  return { head: Buffer.from(head), body: Buffer.from(bytes) }
}

/** With one byte of it changed. */
function damaged({ head, body }: KeptEntry, part: 'head' | 'body'): KeptEntry {
  const bytes = { head: Buffer.from(head), body: Buffer.from(body) }
  bytes[part][bytes[part].length - 1] = 0
  return bytes
}

describe('entries as they were read last', () => {
  it('are not read anew where the store gives the same bytes', () => {
    const decoded = fresh()
    const entry = decoded.read(place, kept('one'))
    assert.equal(entry?.body.toString(), 'one')
    assert.equal(decoded.read(place, kept('one')), entry)
  })

  it('are read anew where it gives others', () => {
    const decoded = fresh()
    decoded.read(place, kept('one'))
    assert.equal(decoded.read(place, kept('two'))?.body.toString(), 'two')
    assert.equal(decoded.read(place, kept('one'))?.body.toString(), 'one')
  })

  for (const part of ['head', 'body'] as const)
    it(`do not hide damage of the ${part}`, () => {
      const decoded = fresh()
      decoded.read(place, kept('one'))
      assert.equal(decoded.read(place, damaged(kept('one'), part)), undefined)
    })

  it('belong to one place', () => {
    const decoded = fresh()
    decoded.read(place, kept('one'))
    assert.equal(decoded.read({ ...place, variant: 'v' }, kept('one')), undefined)
  })

  it('have bytes of their own', () => {
    const decoded = fresh()
    const given = kept('one')
    const entry = decoded.read(place, given)
    given.body.fill(0)
    assert.equal(entry?.body.toString(), 'one')
  })

  it('need no bytes of a source that is known', () => {
    const decoded = fresh()
    const source = {}
    const entry = decoded.read(place, { ...kept('one'), source })
    const untouchable: KeptEntry = {
      source,
      get head(): Buffer {
        throw new Error('read again')
      },
      get body(): Buffer {
        throw new Error('read again')
      },
    }
    assert.equal(decoded.read(place, untouchable), entry)
  })

  it('are not those of another source with other bytes', () => {
    const decoded = fresh()
    decoded.read(place, { ...kept('one'), source: {} })
    assert.equal(decoded.read(place, { ...kept('two'), source: {} })?.body.toString(), 'two')
  })
})
