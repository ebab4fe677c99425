import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import {
  groupMark,
  isMarkList,
  marksOf,
  scopeMark,
  tagMark,
  targetMark,
} from '../../lib/cache/marks.ts'
import { IdError } from '../../lib/index.ts'
import { encodeId } from '../../lib/keys.ts'

const text = fc.string({ minLength: 1, maxLength: 40, unit: 'binary' })
const target = fc.oneof(fc.webPath(), fc.webUrl(), text)
const tag = text.filter((each) => each.isWellFormed() && Buffer.byteLength(each) <= 128)
const kinds = [
  fc.tuple(target).map(([url]) => ({ mark: targetMark(url, true), from: `target ${pathOf(url)}` })),
  fc.tuple(tag).map(([id]) => ({
    mark: scopeMark(`user:${encodeId('A scope', id)}`),
    from: `scope ${id}`,
  })),
  fc.tuple(text, text).map(([origin, name]) => ({
    mark: groupMark(origin, name),
    from: `group ${JSON.stringify([origin, name])}`,
  })),
  fc.tuple(tag).map(([id]) => ({ mark: tagMark(id), from: `tag ${id}` })),
]

// A target in absolute form is served as its path.
function pathOf(url: string): string {
  return url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*\/?/i, '/')
}

describe('marks', () => {
  it('are equal only for the same kind of the same thing', () => {
    const one = fc.oneof(...kinds)
    fc.assert(
      fc.property(one, one, (a, b) => {
        assert.equal(a.mark === b.mark, a.from === b.from)
        assert.doesNotMatch(a.mark, /[{}*?[\]\s]/)
      }),
      { numRuns: 2000 },
    )
  })

  it('differ for tags that look like marks of another kind', () => {
    const url = targetMark('/a', true)
    const marks = [url, tagMark(url), scopeMark(encodeId('A scope', url)), groupMark('', url)]
    assert.equal(new Set(marks).size, 4)
    assert.equal(tagMark('u:1'), 't:u%3A1')
  })

  it('of a target are of its path and of the keyed part of its query', () => {
    const mark = targetMark('/a?q=1&utm=2', ['q'])
    assert.equal(targetMark('/a?q=1', true), mark)
    assert.equal(targetMark('/a?utm=9&q=1', { ignore: ['utm'] }), mark)
    assert.equal(targetMark('http://x.test:80/a?q=1', true), mark)
    const others = ['/a', '/a?', '/b?q=1', '/a?q=2', '/a?q=1&q=1', '/a%3Fq=1', '/A?q=1']
    for (const other of others) assert.notEqual(targetMark(other, true), mark, other)
  })

  it('of groups tell where the origin ends', () => {
    assert.notEqual(groupMark('https://a.b', 'c'), groupMark('https://a.', 'bc'))
  })

  it('of tags are made of ids, and of nothing else', () => {
    assert.equal(tagMark(7), tagMark('7'))
    for (const tag of ['', 'a'.repeat(129), '\ud800', 1.5, null, undefined, {}, ['a'], true])
      assert.throws(() => tagMark(tag), IdError)
  })

  it('of one entry are sorted, and each stands there once', () => {
    assert.deepEqual(marksOf([['t:b', 'u:1'], ['t:a', 't:b'], []]), ['t:a', 't:b', 'u:1'])
  })

  it('of one entry are at most 64', () => {
    const tags = Array.from({ length: 65 }, (_, at) => tagMark(at))
    assert.equal(marksOf([tags.slice(1)]).length, 64)
    assert.throws(() => marksOf([tags]), { code: 'ERR_USAGE' })
  })

  it('are known again as what `marksOf` gives', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(...kinds), { maxLength: 64 }), (list) => {
        assert.ok(isMarkList(marksOf([list.map(({ mark }) => mark)])))
      }),
    )
    const wrong = [
      ['t:b', 't:a'],
      ['t:a', 't:a'],
      ['x:a'],
      ['t:'],
      ['t:{a}'],
      ['t:a b'],
      [1],
      't:a',
    ]
    for (const list of wrong) assert.equal(isMarkList(list), false, JSON.stringify(list))
  })
})
