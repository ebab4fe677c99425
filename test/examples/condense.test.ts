import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { extract } from '../../examples/rag-chat/answer.ts'
import { condense, type PastTurn } from '../../examples/rag-chat/condense.ts'
import { passagesOf, readDocuments } from '../../examples/rag-chat/corpus.ts'
import { createLibrary, type Library } from '../../examples/rag-chat/library.ts'
import { read, sameQuestion, write } from '../../examples/rag-chat/question.ts'

const folder = fileURLToPath(new URL('fixtures/docs', import.meta.url))

// First question, follow-up, what its answer must hold.
const followUps: readonly (readonly [string, string, RegExp])[] = [
  ['Does Larder draw thumbnails?', 'How do I turn it off?', /"thumbnails": false/],
  ['How large may an upload be?', 'How do I raise that?', /"max": "8gb"/],
  ['How do I create a share link?', 'How long does it live?', /7 ?d/],
  ['Can a link ask for a password?', 'What happens after five wrong ones?', /15 minutes/],
  ['What is written to the audit log?', 'How long is it kept?', /30 ?d/],
  ['Are uploads verified?', 'And what if the checksum does not match?', /status 422/],
  ['What are thumbnails?', 'Where are they kept?', /\.thumbs/],
  ['What happens when an upload breaks?', 'For how long can it go on?', /24 hours/],
  ['How do I create a share link?', 'And how do I revoke one?', /larder revoke/],
  ['Which formats have thumbnails?', 'Only images?', /PDF/],
  ['What is the default life of a share link?', 'and the maximum?', /90 days/],
  ['How do I install Larder?', 'Which port does it use?', /7070/],
  ['How do I turn thumbnails off?', 'And checksums?', /uploads\.verify/],
  ['How long do deleted files stay?', 'How do I empty it?', /trash --empty/],
]

describe('the example: follow-ups', () => {
  let library: Library

  before(async () => {
    library = createLibrary(passagesOf(await readDocuments(folder)))
  })

  function past(...texts: string[]): PastTurn[] {
    const turns: PastTurn[] = []
    for (const text of texts) {
      const { sources } = extract(library, condense(text, turns, library).question)
      turns.push({ text, heading: sources[0]?.trail.at(-1) })
    }
    return turns
  }

  for (const [first, followUp, fact] of followUps) {
    it(`understands “${followUp}” after “${first}”`, () => {
      const { question, turnsUsed } = condense(followUp, past(first), library)
      equal(turnsUsed, 1)
      match(extract(library, question).text, fact)
    })
  }

  it('finds other passages for many of them without the turn before', () => {
    const others = followUps.filter(([first, text]) => {
      const { question } = condense(text, past(first), library)
      const alone = library.search({ text, about: '' })[0]
      return library.search(question)[0]?.passage.id !== alone?.passage.id
    })
    ok(others.length >= 6, `${others.length} of ${followUps.length}`)
  })

  it('goes back over several turns', () => {
    const turns = past('Does Larder draw thumbnails?', 'How do I turn it off?')
    const { question, turnsUsed } = condense('Where are they kept?', turns, library)
    equal(turnsUsed, 2)
    match(extract(library, question).text, /\.thumbs/)
  })

  it('leaves a question that names its subject as it is', () => {
    const turns = past('Does Larder draw thumbnails?')
    for (const text of [
      'How do I create a share link?',
      'What are the settings?',
      'How do I bake bread?',
    ])
      deepEqual(condense(text, turns, library), { question: { text, about: '' }, turnsUsed: 0 })
  })

  it('leaves the first question of a chat as it is', () => {
    const { question } = condense('How do I turn it off?', [], library)
    equal(write(question), 'How do I turn it off?')
  })

  it('reads back what it writes', () => {
    const question = { text: 'How do I turn it off?', about: 'thumbnails' }
    deepEqual(read(write(question)), question)
  })

  it('takes questions for the same that differ in case, spaces and the mark at the end', () => {
    equal(sameQuestion('  What is  Larder?? '), sameQuestion('what is larder'))
    equal(sameQuestion('Why? — about: a'), sameQuestion('why — about: a'))
    ok(sameQuestion('Why — about: a') !== sameQuestion('Why — about: b'))
  })
})
