import { deepEqual, equal } from 'node:assert/strict'
import { type SlowModel, startSlowModel } from '../examples/slow-model.ts'
import { fixtures, type Started, startDemo } from '../examples/started.ts'
import { heard, Visitor } from '../examples/visitor.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

describe('the example: a chat over documents on two servers', function () {
  this.timeout(60_000)
  let redis: TestServer
  let model: SlowModel
  let first: Started
  let second: Started
  let visitor: Visitor
  let elsewhere: Visitor

  before(async () => {
    redis = await startRedis()
    model = await startSlowModel()
  })

  after(async () => {
    model.stop()
    await redis.stop()
  })

  beforeEach(async () => {
    const env = { DOCS_DIR: fixtures('docs'), REDIS_URL: redis.url, ...model.env }
    ;[first, second] = await Promise.all([startDemo(env), startDemo(env)])
    visitor = new Visitor(first.url)
    // The cookie, before several requests at once.
    await visitor.chats()
    elsewhere = visitor.at(second.url)
  })

  afterEach(() => Promise.all([first.stop(), second.stop()]))

  async function begin(on: Visitor, id: string, text = `A link? ${crypto.randomUUID()}`) {
    const asking = on.post('a', { id, text }).then((response) => heard(response))
    asking.catch(() => {})
    const saying = await model.asked()
    saying.say('One ')
    return { asking, saying, text }
  }

  it('is stopped by the other one', async () => {
    const { asking, saying } = await begin(visitor, 'q1')
    equal((await heard(await elsewhere.resume('a'), 4)).text, 'One ')
    equal(await elsewhere.change('a', 'POST', '/stop'), 202)
    const { text, end } = await asking
    deepEqual([text, end.status], ['One ', 'aborted'])
    await saying.left
    const [, reply] = await elsewhere.messages('a')
    deepEqual([reply?.text, reply?.status], ['One ', 'aborted'])
  })

  it('joins a repeated message to the answer that the other one gives', async () => {
    const { asking, saying, text } = await begin(visitor, 'q1')
    const again = elsewhere.post('a', { id: 'q1', text }).then((response) => heard(response))
    saying.end('two.')
    deepEqual([(await asking).text, (await again).text], ['One two.', 'One two.'])
  })

  it('shows within a second what one said that was killed, and takes the next turn', async () => {
    const { saying } = await begin(visitor, 'q1')
    await heard(await elsewhere.resume('a'), 4)
    await first.kill()
    await saying.left
    const signal = AbortSignal.timeout(1000)
    const response = await elsewhere.fetch('/chats/a/stream', { signal })
    equal((await heard(response, 4)).text, 'One ')
    const next = await begin(elsewhere, 'q2')
    next.saying.end('two.')
    equal((await next.asking).text, 'One two.')
    const [, broken, , whole] = await elsewhere.messages('a')
    deepEqual([broken?.text, broken?.status], ['One ', 'interrupted'])
    deepEqual([whole?.text, whole?.status], ['One two.', undefined])
  })

  it('tells who follows that the answer broke off, when the one that gave it was killed', async () => {
    await begin(visitor, 'q1')
    const following = heard(await elsewhere.resume('a'))
    await heard(await elsewhere.resume('a'), 4)
    await first.kill()
    const { text, end } = await following
    deepEqual([text, end.status], ['One ', 'interrupted'])
  })

  it('keeps what there is of an answer when the server ends in order', async () => {
    const { asking } = await begin(visitor, 'q1')
    await heard(await elsewhere.resume('a'), 4)
    equal(await first.stop(), 0)
    deepEqual([(await asking).text, (await asking).end.status], ['One ', 'aborted'])
    const [, reply] = await elsewhere.messages('a')
    deepEqual([reply?.text, reply?.status], ['One ', 'aborted'])
  })
})
