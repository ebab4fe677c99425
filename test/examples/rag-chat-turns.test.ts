import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { typed } from '../../examples/rag-chat/typing.ts'
import { type SlowModel, startSlowModel } from './slow-model.ts'
import { fixtures, type Started, startDemo } from './started.ts'
import { heard, Visitor } from './visitor.ts'

describe('the example: turns of a chat over documents', function () {
  this.timeout(30_000)
  const question = 'How do I revoke a link?'
  let model: SlowModel
  let demo: Started
  let visitor: Visitor

  before(async () => {
    model = await startSlowModel()
    demo = await startDemo({ DOCS_DIR: fixtures('docs'), RATE_LIMIT: '1000', ...model.env })
  })

  after(async () => {
    await demo.stop()
    model.stop()
  })

  beforeEach(async () => {
    visitor = new Visitor(demo.url)
    // The cookie, before several requests at once.
    await visitor.chats()
  })

  /** Asks something nobody asked before; gives the request, and the model as it begins to answer. */
  async function begin(chat = 'a', id = 'q1', text = `${question} ${crypto.randomUUID()}`) {
    const asking = visitor.post(chat, { id, text })
    const saying = await model.asked()
    saying.say('One ')
    return { asking: asking.then((response) => heard(response)), saying, text }
  }

  it('renames and pins a chat', async () => {
    const { asking, saying } = await begin()
    saying.end('two.')
    await asking
    equal(await visitor.change('a', 'PATCH', '', { title: 'Links', pinned: true }), 200)
    const [chat] = await visitor.chats()
    deepEqual([chat?.title, chat?.pinned], ['Links', true])
  })

  it('stops an answer and its model, and keeps what there is with its sources', async () => {
    const { asking, saying } = await begin()
    // The first words are out: before them there would be nothing to keep.
    await heard(await visitor.resume('a'), 4)
    equal(await visitor.change('a', 'POST', '/stop'), 202)
    const { text, end } = await asking
    deepEqual([text, end.status], ['One ', 'aborted'])
    await saying.left
    const [, reply] = await visitor.messages('a')
    deepEqual([reply?.text, reply?.status], ['One ', 'aborted'])
    equal(reply?.sources[0]?.file, 'guide/links.md')
  })

  it('stops one of two who ask the same, and answers the other', async () => {
    const { asking, saying, text } = await begin('a')
    const other = new Visitor(demo.url)
    const joined = await other.post('b', { text })
    await heard(await visitor.resume('a'), 4)
    await visitor.change('a', 'POST', '/stop')
    equal((await asking).end.status, 'aborted')
    saying.end('two.')
    const { text: whole, end } = await heard(joined)
    deepEqual([whole, end.status], ['One two.', 'complete'])
  })

  it('asks the model anew for what was stopped before', async () => {
    const { asking, text } = await begin('a')
    await heard(await visitor.resume('a'), 4)
    await visitor.change('a', 'POST', '/stop')
    await asking
    const again = await begin('b', 'q1', text)
    again.saying.end('two.')
    equal((await again.asking).text, 'One two.')
  })

  it('goes on after a reload, without a word lost or doubled', async () => {
    const { asking, saying } = await begin()
    const first = await heard(await visitor.resume('a'), 4)
    const fromStart = heard(await visitor.resume('a'))
    const fromThere = heard(await visitor.resume('a', first.lastId))
    saying.end('two.')
    equal((await asking).text, 'One two.')
    equal((await fromStart).text, 'One two.')
    equal((await fromStart).sources[0]?.file, 'guide/links.md')
    equal(first.text + (await fromThere).text, 'One two.')
    equal((await visitor.resume('a')).status, 204)
  })

  it('joins a repeated request to the answer under way, and asks the model once', async () => {
    const { asking, saying, text } = await begin()
    const again = visitor.ask('a', text, 'q1')
    await heard(await visitor.resume('a'), 4)
    saying.end('two.')
    deepEqual([(await asking).text, (await again).text], ['One two.', 'One two.'])
    equal((await visitor.messages('a')).length, 2)
  })

  it('asks a question in other words, and takes back what came after it', async () => {
    for (const id of ['q1', 'q2']) {
      const { asking, saying } = await begin('a', id)
      saying.end('two.')
      await asking
    }
    equal(await visitor.change('a', 'POST', '/rewind', { message: 'q1' }), 200)
    const edited = await begin('a', 'q3')
    edited.saying.end('three.')
    await edited.asking
    deepEqual(
      (await visitor.messages('a')).map(({ role, text }) => [role, text]),
      [
        ['user', edited.text],
        ['assistant', 'One three.'],
      ],
    )
  })

  it('answers a question anew, out of no cache, under the same id', async () => {
    const { asking, saying, text } = await begin()
    saying.end('two.')
    const { end } = await asking
    equal(await visitor.change('a', 'POST', '/rewind', { message: end.message }), 200)
    const again = visitor.ask('a', text, 'q1', { fresh: true })
    const anew = await model.asked()
    anew.end('Three.')
    const answer = await again
    deepEqual([answer.text, answer.trace.cache.status], ['Three.', 'miss'])
    notEqual(answer.end.message, end.message)
    deepEqual(
      (await visitor.messages('a')).map(({ text }) => text),
      [text, 'Three.'],
    )
  })

  it('has a second question wait for the answer to the first', async () => {
    const first = await begin('a', 'q1')
    const second = begin('a', 'q2')
    await heard(await visitor.resume('a'), 4)
    first.saying.end('two.')
    equal((await first.asking).text, 'One two.')
    const { asking, saying } = await second
    saying.end('too.')
    const { text, trace } = await asking
    deepEqual([text, trace.memory.messages], ['One too.', 2])
  })

  it('tells why an answer broke off, and keeps what there was', async () => {
    const { asking, saying } = await begin()
    await heard(await visitor.resume('a'), 4)
    saying.fail()
    const { end, events } = await asking
    deepEqual([end.status, events.at(-2)], ['failed', 'failure'])
    const [, reply] = await visitor.messages('a')
    deepEqual([reply?.text, reply?.status], ['One ', 'interrupted'])
  })

  it('says rows of a table whole, and not a character more or less', async () => {
    const text =
      '**Settings** [1]\n\n| Name | Is |\n|---|:--|\n| a b | c |\n| d | e |\n\nThe end. \n'
    const said: string[] = []
    for await (const words of typed(text, 1, new AbortController().signal)) said.push(words)
    equal(said.join(''), text)
    deepEqual(said.slice(2, 5), ['\n\n| Name | Is |\n|---|:--|', '\n| a b | c |', '\n| d | e |'])
  })

  it('says a long answer word by word at TYPING_MS, and is stopped between two words', async () => {
    const slow = await startDemo({ DOCS_DIR: fixtures('docs'), TYPING_MS: '60000' })
    try {
      const reader = new Visitor(slow.url)
      const response = await reader.post('a', { text: question })
      const asking = heard(response)
      await heard(await reader.resume('a'), 1)
      // The whole answer is known, and not slowed down for those who want it at once.
      const whole = await reader.fetch(`/answer?q=${encodeURIComponent(question)}`)
      match(await whole.text(), /larder revoke <link>/)
      equal(await reader.change('a', 'POST', '/stop'), 202)
      const { text, end, sources } = await asking
      deepEqual([text, end.status], ['`larder', 'aborted'])
      ok(sources.length > 0)
    } finally {
      await slow.stop()
    }
  })
})
