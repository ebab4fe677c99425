import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { extract } from '../../examples/rag-chat/answer.ts'
import { passagesOf, readDocuments } from '../../examples/rag-chat/corpus.ts'
import { createLibrary, type Library } from '../../examples/rag-chat/library.ts'
import { stem } from '../../examples/rag-chat/stem.ts'
import { suggestions } from '../../examples/rag-chat/suggest.ts'
import { contentTerms, tokenize } from '../../examples/rag-chat/terms.ts'
import { sentencesOf } from '../../examples/rag-chat/units.ts'

const folder = fileURLToPath(new URL('fixtures/docs', import.meta.url))

describe('the example: documents', () => {
  let library: Library

  before(async () => {
    library = createLibrary(passagesOf(await readDocuments(folder)))
  })

  function answer(text: string) {
    return extract(library, { text, about: '' })
  }

  it('reads Markdown, text and HTML, and no hidden folder', () => {
    const files = new Set(library.passages.map(({ file }) => file))
    deepEqual([...files].toSorted(), [
      'CHANGELOG.md',
      'README.md',
      'faq.txt',
      'guide/accounts.md',
      'guide/links.md',
      'guide/notifications.md',
      'guide/thumbnails.md',
      'guide/uploads.md',
      'reference/audit.html',
      'reference/settings.md',
    ])
  })

  it('names a passage by file and heading', () => {
    const passage = library.passage('guide/thumbnails.md#turning-thumbnails-off')
    deepEqual(passage?.trail, ['Thumbnails', 'Turning thumbnails off'])
    equal(passage?.anchor, 'turning-thumbnails-off')
  })

  it('knows underlined headings', () => {
    deepEqual(library.passage('guide/links.md#revoking')?.trail, ['Links', 'Revoking'])
  })

  it('tells headings of one name in one document apart', () => {
    const text = '# Title\n\n## Use\n\none\n\n## Use\n\ntwo\n'
    const ids = passagesOf([{ file: 'a.md', text }]).map(({ id }) => id)
    deepEqual(ids, ['a.md#use', 'a.md#use-1'])
  })

  it('leaves front matter, comments, badges, scripts and styles out', () => {
    const text = JSON.stringify(library.passages)
    for (const word of ['not a heading', 'Roadmap', 'badge', 'never read', 'color: red', 'Home'])
      ok(!text.includes(word), word)
  })

  it('changes its version with the text', () => {
    const one = createLibrary(passagesOf([{ file: 'a.md', text: '# A\n\none' }]))
    const two = createLibrary(passagesOf([{ file: 'a.md', text: '# A\n\ntwo' }]))
    ok(one.version !== two.version)
  })

  it('finds one stem for the forms of a word', () => {
    deepEqual(new Set(['limit', 'limits', 'limited', 'limiting', 'limiter'].map(stem)).size, 1)
    deepEqual(new Set(['expire', 'expires', 'expired', 'expiry', 'expiration'].map(stem)).size, 1)
    deepEqual(new Set(['keep', 'kept', 'keeping'].map(stem)).size, 1)
  })

  it('finds a compound by its parts and whole', () => {
    deepEqual(tokenize('LARDER_PORT'), ['larder', 'port', 'larderport'])
    deepEqual(tokenize('rateLimit'), ['rate', 'limit', 'ratelimit'])
  })

  it('searches for no word that carries no subject', () => {
    deepEqual(contentTerms('What is it, and how do I use these?'), [])
  })

  it('ends no sentence inside a name, a number or code', () => {
    deepEqual(sentencesOf('Set `a. B` to 1.5, e.g. Always. Then go.'), [
      'Set `a. B` to 1.5, e.g. Always.',
      'Then go.',
    ])
  })

  it('answers in the words of the document, with its source', () => {
    const { text, sources, found } = answer('How do I turn thumbnails off?')
    ok(found)
    equal(sources[0]?.id, 'guide/thumbnails.md#turning-thumbnails-off')
    match(text, /set `thumbnails` to `false` in `larder\.json` and restart: \[1\]/)
  })

  it('keeps code whole', () => {
    match(answer('How do I install Larder?').text, /```sh\nnpm install --global larder\n.*\n```/)
  })

  it('gives the one row of a table that was asked for, below its head', () => {
    const { text } = answer('What is the default of uploads.verify?')
    match(
      text,
      /\| Setting \| Default \| Meaning \|\n\| --- \| --- \| --- \|\n\| `uploads\.verify` \|/,
    )
    ok(!text.includes('audit.keep'))
  })

  it('gives a table whole to who asks for all of it', () => {
    match(answer('What are the default settings?').text, /`port`[\s\S]*`audit\.keep`/)
  })

  it('adds no word of its own to what the documents say', () => {
    const said = library.passages.map(({ blocks }) => JSON.stringify(blocks)).join('\n')
    const { text } = answer('What happens when a checksum does not match?')
    for (const sentence of sentencesOf(text.replace(/\s*\[\d\]/gu, ''))) ok(said.includes(sentence))
  })

  it('forgives a typing error', () => {
    equal(answer('How do I turn off the thumbnials?').sources[0]?.file, 'guide/thumbnails.md')
  })

  it('answers from release notes only what is asked of releases', () => {
    equal(answer('Can a link ask for a password?').sources[0]?.file, 'guide/links.md')
    equal(answer('Which version dropped Node 18?').sources[0]?.file, 'CHANGELOG.md')
  })

  it('says so when nothing fits', () => {
    const { text, found } = answer('How do I bake bread?')
    ok(!found)
    equal(text, 'I found nothing about “bake”, “bread” in these documents.')
  })

  it('names the word it does not know, and what is closest', () => {
    const { text, found } = answer('Does Larder run on kubernetes?')
    ok(!found)
    match(text, /^I found nothing about “kubernetes” in these documents\. The closest sections: “/)
  })

  it('suggests only what it can answer', () => {
    const suggested = suggestions(library)
    equal(suggested.length, 4)
    for (const text of suggested) ok(answer(text).found, text)
  })
})
