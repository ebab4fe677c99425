import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import type { CachedMethod } from '../../../../middleware/express.ts'
import { post } from '../../../cache/pairs.ts'
import type { Plan, Run } from '../../../cache/site.ts'
import { type Ask, type LeakCase, lastFails, ownText } from '../leak-case.ts'

const posts: { cache: NonNullable<Plan['cache']> } = {
  cache: { ttl: 60, methods: ['GET', 'POST'] satisfies CachedMethod[] },
}

const posting = (...all: string[]): readonly Ask[] => all.map((body) => ['/a', post(body)])

/** What is asked in the body of a request. */
const questions: readonly Pick<LeakCase, 'says' | 'asks'>[] = [
  { says: 'an answer to another question', asks: posting('{"q":"a"}', '{"q":"b"}', '{}') },
  {
    says: 'an answer to another type of value',
    asks: posting('{"q":1}', '{"q":"1"}', '{"q":[1]}'),
  },
  { says: 'an answer to a list in another order', asks: posting('[1,2]', '[2,1]') },
  { says: 'an answer to null, for none', asks: posting('{"q":null}', '{}', 'null') },
  {
    says: 'an answer to a number that reads alike',
    asks: posting('[9007199254740993]', '[9007199254740992]'),
  },
  {
    says: 'an answer to a member that is given twice in another order',
    asks: posting('{"q":1,"q":2}', '{"q":2,"q":1}'),
  },
  { says: 'an answer to text of other code points', asks: posting('["\u00e9"]', '["e\u0301"]') },
  {
    says: 'an answer to the same text of another type',
    asks: [
      ['/a', post('{"q":"a"}')],
      ['/a', post('{"q":"a"}', 'text/plain')],
    ],
  },
  {
    says: 'an answer to the same bytes in another charset',
    asks: [
      ['/a', post('q\u00e9', 'text/plain; charset=utf-8')],
      ['/a', post('q\u00e9', 'text/plain; charset=latin1')],
    ],
  },
  { says: 'an answer to a body, without one', asks: [['/a', post('{"q":"a"}')], ['/a']] },
]

const asked = questions.map(
  (each): LeakCase => ({ ...each, plan: posts, leaksIn: ['apicache', 'route-cache', 'naive'] }),
)

/** Compresses where it may. */
function compressing(fields: Record<string, string> = {}): (run: Run) => void {
  return (run) => {
    for (const [name, value] of Object.entries(fields)) run.set(name, value)
    run.set('Content-Type', 'text/plain')
    const coded = /gzip/.test(String(run.headers['accept-encoding'] ?? ''))
    if (coded) run.set('Content-Encoding', 'gzip')
    run.send(200, coded ? gzipSync('whole') : Buffer.from('whole'))
  }
}

const gzip: Ask = ['/a', { headers: { 'accept-encoding': 'gzip' } }]
const plain = lastFails(({ body }) => body === 'whole')

/** Coded answers. */
const coded: readonly LeakCase[] = [
  {
    says: 'a compressed answer that does not say Vary to a client that does not accept it',
    handle: compressing(),
    asks: [gzip, ['/a']],
    leaked: plain,
    leaksIn: ['apicache', 'naive'],
  },
  {
    says: 'a compressed answer to a client that does not accept it',
    handle: compressing({ Vary: 'Accept-Encoding' }),
    asks: [gzip, ['/a']],
    leaked: plain,
    leaksIn: ['apicache', 'naive'],
  },
  {
    says: 'a compressed answer to a client that refuses it',
    handle: compressing({ Vary: 'Accept-Encoding' }),
    asks: [gzip, ['/a', { headers: { 'accept-encoding': 'identity, *;q=0' } }]],
    leaked: plain,
    leaksIn: ['apicache', 'naive'],
  },
]

/** An answer that does not come to its end, and another that does. */
function brokenFirst(broken: (run: Run) => unknown): (run: Run) => unknown {
  return (run) => (run.number === 1 ? broken(run) : run.send(200, 'whole'))
}

function failing(): Readable {
  return new Readable({
    read() {
      this.push('half')
      this.destroy(new Error('broke'))
    },
  })
}

const breaks: readonly (readonly [
  how: string,
  broken: (run: Run) => unknown,
  leaksIn: LeakCase['leaksIn'],
])[] = [
  ['whose source broke', (run) => run.send(200, failing()), ['route-cache', 'naive']],
  [
    'that was destroyed',
    (run) => {
      run.raw.writeHead(200).write('half')
      setImmediate(() => run.raw.destroy())
    },
    ['route-cache', 'naive'],
  ],
  [
    'whose socket was destroyed before the head',
    (run) => run.raw.destroy(),
    ['route-cache', 'naive'],
  ],
  [
    'that is shorter than it says',
    (run) => {
      run.raw.writeHead(200, { 'content-length': '5' }).write('half')
      run.raw.end()
    },
    ['apicache', 'naive'],
  ],
]

/** Answers that break off. */
const halves: readonly LeakCase[] = [
  ...breaks.map(
    ([how, broken, leaksIn]): LeakCase => ({
      says: `what there was of an answer ${how}`,
      handle: brokenFirst(broken),
      leaked: plain,
      leaksIn,
    }),
  ),
  {
    says: 'what there was of an answer for which its client did not stay',
    handle: brokenFirst((run) => {
      run.raw.writeHead(200).write('half')
      run.raw.once('close', () => run.raw.end())
    }),
    firstLeaves: true,
    leaked: plain,
    leaksIn: ['apicache', 'naive'],
  },
  {
    says: 'the emptiness of an answer for which its client did not stay at all',
    handle: brokenFirst((run) => run.raw.once('close', () => run.raw.end())),
    firstLeaves: true,
    leaked: plain,
    leaksIn: ['naive'],
  },
  {
    says: 'an answer that never ends, to everybody',
    handle: (run) => (run.number === 1 ? undefined : ownText(run)),
    firstLeaves: true,
    leaked: lastFails(({ body }) => body === 'run 2'),
    leaksIn: ['route-cache', 'naive'],
  },
]

/** What stands in bodies. */
export const bodies: readonly LeakCase[] = [...asked, ...coded, ...halves]
