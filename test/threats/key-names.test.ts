import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { globMatcher } from '../../lib/glob.ts'
import { encodeMessageId } from '../../lib/history/message-id.ts'
import {
  blockKey,
  cacheKey,
  encodeId,
  escapePattern,
  fillChannel,
  fillKey,
  guestOwner,
  keyPart,
  limitKey,
  listKey,
  type PartitionKind,
  partition,
  piecesKey,
  purgeChannel,
  purgeKey,
  sessionKeys,
  stateKey,
  turnChannel,
  turnKey,
} from '../../lib/keys.ts'

/** What a key is for, in so many words, and the key. */
interface Named {
  readonly meaning: readonly string[]
  readonly key: string
}

const letters = ['a', 'b', 'm', 't', ':', '*', '?', '[', ']', '^', '-', '{', '}', '~', '%', '\\']
const words = ['state', 'gone', 'user', 'global', 'fill', 'live', 'purged', 'block', 'turns']
const unit = fc.constantFrom(...letters, ...words, '|', ' ', '/', '\0', '\r\n', 'é', '🔑', '1')
const id = fc.oneof(
  fc.string({ unit, minLength: 1, maxLength: 5 }),
  fc.constantFrom('a', 'a:b', 'b:c', 'c', '*', '{x}', 'a:m', 'a:t:b', 'ip~1.2.3.4'),
)
const uuid = fc.uuid({ version: 4 })
const token = fc.constantFrom('11111111-1111-4111-8111-111111111111', 'tok')

const owner = fc.oneof(
  id.map((name) => ({ meaning: `user ${name}`, owner: encodeId('user', name) })),
  id.map((secret) => ({ meaning: `guest ${secret}`, owner: guestOwner(secret) })),
)

const conversation: fc.Arbitrary<Named> = fc
  .record({
    owner,
    session: id,
    turn: fc.oneof(id, uuid),
    kind: fc.constantFrom('index', 'gone', 'preferences', 'session', 'list', 'state', 'turn'),
  })
  .map(({ owner: { meaning, owner: encoded }, session, turn, kind }) => {
    const keys = sessionKeys(encoded, encodeId('session', session))
    if (kind === 'index' || kind === 'gone' || kind === 'preferences')
      return { meaning: [kind, meaning], key: keys[kind] }
    if (kind === 'turn')
      return { meaning: [kind, meaning, session, turn], key: turnKey(keys, encodeMessageId(turn)) }
    const key = { session: keys.session, list: listKey(keys), state: stateKey(keys) }[kind]
    return { meaning: [kind, meaning, session], key: key as string }
  })

const limited: fc.Arbitrary<Named> = fc
  .record({
    kind: fc.constantFrom<PartitionKind>('user', 'ip', 'key', 'global'),
    who: id,
    rule: fc.constantFrom('api', '10-per-1m', 'tokens', 'block'),
    shape: fc.constantFrom('w60000', 'f60000', 'g60000', 'block'),
  })
  .map(({ kind, who, rule, shape }) => {
    const of = partition(kind, encodeId('who', who))
    const whom = kind === 'global' ? [kind] : [kind, who]
    const key = shape === 'block' ? blockKey(of, rule) : limitKey(of, rule, shape)
    return { meaning: ['limit', ...whom, rule, shape], key }
  })

const cached: fc.Arbitrary<Named> = fc
  .record({
    fields: fc.array(fc.oneof(id, fc.constant('')), { maxLength: 4 }),
    kind: fc.constantFrom('entry', 'fill', 'live'),
    variant: fc.constantFrom('', cacheKey(['v']).slice(7, -1)),
    token,
  })
  .map(({ fields, kind, variant, token: of }) => {
    const key = cacheKey(fields)
    const list = JSON.stringify(fields)
    if (kind === 'fill') return { meaning: [kind, list, variant], key: fillKey(key, variant) }
    if (kind === 'live') return { meaning: [kind, list, of], key: piecesKey(key, of) }
    return { meaning: [kind, list], key }
  })

const purged: fc.Arbitrary<Named> = fc
  .record({ kind: fc.constantFrom('t', 'u', 's'), tag: id })
  .map(({ kind, tag }) => {
    const mark = `${kind}:${encodeId('tag', tag)}`
    return { meaning: ['purge', mark], key: purgeKey(mark) }
  })

const channel: fc.Arbitrary<Named> = fc.oneof(
  uuid.map((of) => ({ meaning: ['turns of', of], key: turnChannel(of) })),
  uuid.map((of) => ({ meaning: ['fills of', of], key: fillChannel(of) })),
  fc.constant({ meaning: ['purges'], key: purgeChannel }),
)

const named = fc.oneof(conversation, limited, cached, purged, channel)
const many = fc.array(named, { minLength: 20, maxLength: 40 })

describe('threat: key confusion, over all that builds keys', () => {
  it('different things never have the same key, equal ones always', () => {
    fc.assert(
      fc.property(many, (all) => {
        const meanings = new Map<string, string>()
        const keys = new Map<string, string>()
        for (const { meaning, key } of all) {
          const text = JSON.stringify(meaning)
          assert.equal(meanings.get(key) ?? text, text)
          assert.equal(keys.get(text) ?? key, key)
          meanings.set(key, text)
          keys.set(text, key)
        }
      }),
      { numRuns: 400 },
    )
  })

  it("no other user's pattern matches a key, and one's own matches all of one's own", () => {
    const pair = fc.record({ of: id, other: id, session: id })
    fc.assert(
      fc.property(pair, ({ of, other, session }) => {
        const patterns = (name: string) => [
          `session:{${keyPart(name)}}*`,
          `user:{${keyPart(name)}}:*`,
          `limit:{user~${keyPart(name)}}:*`,
        ]
        const keys = sessionKeys(encodeId('user', of), encodeId('session', session))
        const own = [
          ...[keys.index, keys.session, listKey(keys), stateKey(keys), turnKey(keys, 'q')],
          ...[keys.gone, keys.preferences],
          limitKey(partition('user', encodeId('user', of)), 'api', 'w60000'),
        ]
        const matched = (name: string) =>
          own.filter((key) => patterns(name).some((each) => globMatcher(each)(key)))
        assert.deepEqual(matched(of), own)
        if (other !== of) assert.deepEqual(matched(other), [])
      }),
      { numRuns: 1000 },
    )
  })

  it('an escaped id matches itself in an application key, and no other', () => {
    fc.assert(
      fc.property(id, id, (of, other) => {
        assert.ok(globMatcher(`note:${escapePattern(of)}`)(`note:${of}`))
        assert.equal(globMatcher(`note:${escapePattern(other)}`)(`note:${of}`), other === of)
      }),
      { numRuns: 1000 },
    )
  })

  it('a key holds one pair of braces, no white space and no glob character', () => {
    fc.assert(
      fc.property(fc.oneof(conversation, limited, cached, purged), ({ key }) => {
        assert.match(key, /^[a-z:]+:\{[\w.@%~:-]+\}[\w.@%~:-]*$/)
      }),
      { numRuns: 1000 },
    )
  })

  it('concatenation, as peers build keys, fails the same check', () => {
    const naive = (user: string, session: string) => `session:${user}:${session}`
    assert.equal(naive('a', 'b:c'), naive('a:b', 'c'))
    assert.ok(globMatcher('session:*:*')(naive('ann', '1')))
  })
})
