import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { parseList } from 'structured-headers'
import { type HeaderStyle, joinFields, limitFields } from '../../lib/limit/header-fields.ts'
import { quotaExceeded, reducedCapacity } from '../../lib/limit/problem.ts'
import { decide, type Standing } from '../../lib/limit/verdict.ts'
import type { Budget } from '../../lib/ports/budgets.ts'

const styles: readonly HeaderStyle[] = ['draft-11', 'legacy', 'openai']
const sixty = { limit: 60, windowMs: 60_000, remaining: 59, resetMs: 59_001 }

type Facts = Partial<Omit<Standing, 'budget'> & Budget>

function standing({
  name = 'rpm',
  algorithm = 'sliding',
  limit = 60,
  windowMs = 60_000,
  unit,
  shadow = false,
  ...budget
}: Facts = {}): Standing {
  const { remaining = limit } = budget
  return {
    name,
    algorithm,
    limit,
    windowMs,
    unit,
    shadow,
    budget: {
      allowed: true,
      used: limit - remaining,
      remaining,
      resetMs: 0,
      retryMs: 0,
      blockedMs: 0,
      mark: 0,
      ...budget,
    },
  }
}

function draft(...facts: readonly Facts[]): readonly (string | undefined)[] {
  const fields = limitFields(['draft-11'], facts.map(standing))
  return [fields['RateLimit-Policy'], fields['RateLimit']]
}

describe('fields of draft-11', () => {
  const refused = { allowed: false, remaining: 0, resetMs: 5000, retryMs: 5000 }
  const cases: readonly [string, Facts, string, string][] = [
    ['a budget in use', sixty, '"rpm";q=60;w=60', '"rpm";r=59;t=60'],
    ['no reset where nothing is used', {}, '"rpm";q=60;w=60', '"rpm";r=60'],
    ['a reset within a millisecond', { resetMs: 0.2 }, '"rpm";q=60;w=60', '"rpm";r=60;t=1'],
    ['no window below a second', { windowMs: 500 }, '"rpm";q=60', '"rpm";r=60'],
    ['no window of one and a half seconds', { windowMs: 1500 }, '"rpm";q=60', '"rpm";r=60'],
    [
      'a unit of our own',
      { unit: 'tokens' },
      '"rpm";q=60;w=60;memoryware-unit="tokens"',
      '"rpm";r=60',
    ],
    [
      'a unit the draft knows',
      { unit: 'content-bytes' },
      '"rpm";q=60;w=60;qu="content-bytes"',
      '"rpm";r=60',
    ],
    [
      'slots without window and reset',
      { algorithm: 'concurrency', limit: 2, remaining: 1, resetMs: 30_000 },
      '"rpm";q=2;qu="concurrent-requests"',
      '"rpm";r=1',
    ],
    ['nothing below 0 of a debt', { remaining: -5 }, '"rpm";q=60;w=60', '"rpm";r=0'],
    ['a refusal', refused, '"rpm";q=60;w=60', '"rpm";r=0;t=5'],
    [
      'nothing for the blocked until the block ends',
      { ...sixty, allowed: false, blockedMs: 9000, retryMs: 9000 },
      '"rpm";q=60;w=60',
      '"rpm";r=0;t=9',
    ],
    [
      'nothing for the blocked until the budget is back too',
      { ...refused, blockedMs: 3000 },
      '"rpm";q=60;w=60',
      '"rpm";r=0;t=5',
    ],
    ['a limit of 0', { limit: 0, ...refused, resetMs: 0 }, '"rpm";q=0;w=60', '"rpm";r=0'],
  ]
  for (const [fact, facts, policy, state] of cases)
    it(`tell ${fact}`, () => assert.deepEqual(draft(facts), [policy, state]))

  it('tell every rule in order, once, and none in shadow mode', () => {
    assert.deepEqual(
      draft(
        { name: 'a' },
        { name: 'b', shadow: true },
        { name: 'c', remaining: 9 },
        { name: 'a', remaining: 8 },
      ),
      ['"a";q=60;w=60, "c";q=60;w=60', '"a";r=8, "c";r=9'],
    )
  })

  it('are not sent where no rule applied', () => {
    assert.deepEqual(limitFields(styles, []), {})
    assert.deepEqual(limitFields(styles, [standing({ shadow: true })]), {})
    assert.deepEqual(limitFields([], [standing()]), {})
  })

  it('parse as lists of strings with integer parameters, whatever was counted', () => {
    fc.assert(fc.property(fc.array(standings, { minLength: 1 }), checkFields))
  })
})

const counts = fc.oneof(
  fc.nat(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(0, Number.NaN, Number.POSITIVE_INFINITY),
)
const waits = fc.oneof(fc.nat(), fc.double({ min: 0 }))
const standings: fc.Arbitrary<Standing> = fc.record({
  name: fc.stringMatching(/^[A-Za-z0-9_.-]{1,3}$/),
  algorithm: fc.constantFrom('sliding', 'fixed', 'gcra', 'concurrency'),
  limit: fc.nat({ max: 999_999_999_999_999 }),
  windowMs: fc.oneof(
    fc.integer({ min: 1, max: 1e11 }),
    fc.integer({ min: 1, max: 1e8 }).map((seconds) => seconds * 1000),
  ),
  unit: fc.oneof(fc.constant(undefined), fc.stringMatching(/^[\x20-\x7e]{1,32}$/)),
  shadow: fc.boolean(),
  budget: fc.record({
    allowed: fc.boolean(),
    used: counts,
    remaining: counts,
    resetMs: waits,
    retryMs: waits,
    blockedMs: waits,
    mark: counts,
  }),
})

function checkFields(all: readonly Standing[]): void {
  const fields = limitFields(styles, all)
  const told = new Map(all.filter(({ shadow }) => !shadow).map((each) => [each.name, each]))
  const policies = parseList(fields['RateLimit-Policy'] ?? '')
  const states = parseList(fields['RateLimit'] ?? '')
  const names = [...told.keys()]
  for (const items of [policies, states])
    assert.deepEqual(
      items.map(([name]) => name),
      names,
    )
  for (const [name, parameters] of policies)
    checkPolicy(told.get(String(name)) ?? assert.fail(), parameters)
  for (const [, parameters] of states) checkState(parameters)
  for (const [field, value] of Object.entries(fields)) assert.match(value, /^[\x20-\x7e]+$/, field)
}

function checkState(parameters: ReadonlyMap<string, unknown>): void {
  assert.match([...parameters.keys()].join(), /^r(,t)?$/)
  for (const value of parameters.values()) assert.ok(isInteger(value), String(value))
}

function checkPolicy(
  { algorithm, limit, windowMs, unit }: Standing,
  parameters: ReadonlyMap<string, unknown>,
): void {
  const { q, w, ...units } = Object.fromEntries(parameters)
  assert.equal(q, limit)
  const slots = algorithm === 'concurrency'
  assert.equal(w, slots || windowMs % 1000 !== 0 ? undefined : windowMs / 1000)
  assert.deepEqual(Object.values(units), slots ? ['concurrent-requests'] : unit ? [unit] : [])
}

function isInteger(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 999_999_999_999_999
}

describe('legacy fields', () => {
  const at = 1_700_000_000_400

  function legacy(...facts: readonly Facts[]): Record<string, string> {
    return limitFields(['legacy'], facts.map(standing), () => at)
  }

  it('tell the second since 1970 when more quota comes back, rounded up', () => {
    assert.deepEqual(legacy({ ...sixty, resetMs: 1500 }), {
      'X-RateLimit-Limit': '60',
      'X-RateLimit-Remaining': '59',
      'X-RateLimit-Reset': '1700000002',
    })
  })

  it('tell the rule with the smallest share left', () => {
    const fields = legacy({ limit: 10, remaining: 5 }, { limit: 1000, remaining: 100 })
    assert.equal(fields['X-RateLimit-Limit'], '1000')
  })

  it('tell the rule that refused, though another has less left', () => {
    const refused = { limit: 100, allowed: false, remaining: 40, resetMs: 2000, retryMs: 30_000 }
    assert.deepEqual(legacy({ limit: 10, remaining: 0, resetMs: 500 }, refused), {
      'X-RateLimit-Limit': '100',
      'X-RateLimit-Remaining': '40',
      'X-RateLimit-Reset': '1700000031',
    })
  })

  it('tell of two that refused the one that takes longer', () => {
    const refused = { allowed: false, remaining: 0 }
    const fields = legacy(
      { ...refused, limit: 1, retryMs: 1 },
      { ...refused, limit: 2, retryMs: 2 },
    )
    assert.equal(fields['X-RateLimit-Limit'], '2')
  })

  it('tell no reset of slots, nor of what can never pass', () => {
    const never = { allowed: false, remaining: 0, retryMs: Number.POSITIVE_INFINITY }
    for (const facts of [{ algorithm: 'concurrency', resetMs: 1000 } as const, never])
      assert.deepEqual(Object.keys(legacy(facts)), ['X-RateLimit-Limit', 'X-RateLimit-Remaining'])
  })
})

describe("OpenAI's fields", () => {
  function openai(...facts: readonly Facts[]): Record<string, string> {
    return limitFields(['openai'], facts.map(standing))
  }

  it('tell the tightest rule of requests and the tightest of tokens', () => {
    const fields = openai(
      { name: 'rpm', remaining: 30, resetMs: 1000 },
      { name: 'rpd', limit: 1000, remaining: 100, resetMs: 86_400_000 },
      { name: 'tpm', unit: 'tokens', limit: 5000, remaining: 4000, resetMs: 120 },
      { name: 'bytes', unit: 'content-bytes', limit: 9, remaining: 0 },
      { name: 'streams', algorithm: 'concurrency', limit: 1, remaining: 0 },
    )
    assert.deepEqual(fields, {
      'x-ratelimit-limit-requests': '1000',
      'x-ratelimit-remaining-requests': '100',
      'x-ratelimit-reset-requests': '24h0m0s',
      'x-ratelimit-limit-tokens': '5000',
      'x-ratelimit-remaining-tokens': '4000',
      'x-ratelimit-reset-tokens': '120ms',
    })
  })

  it('are not sent of what no rule counts', () => {
    assert.deepEqual(openai({ algorithm: 'concurrency' }), {})
    assert.equal(openai({ unit: 'tokens' })['x-ratelimit-limit-requests'], undefined)
  })

  for (const [ms, text] of [
    [0, '0s'],
    [0.5, '1ms'],
    [120, '120ms'],
    [999.5, '1s'],
    [1000, '1s'],
    [1001, '2s'],
    [59_001, '1m0s'],
    [360_000, '6m0s'],
    [3_605_000, '1h0m5s'],
  ] as const)
    it(`write ${ms} ms as ${text}`, () => {
      assert.equal(openai({ resetMs: ms })['x-ratelimit-reset-requests'], text)
    })

  it('tell no reset of what can never pass', () => {
    const fields = openai({ allowed: false, retryMs: Number.POSITIVE_INFINITY })
    assert.equal(fields['x-ratelimit-reset-requests'], undefined)
  })
})

describe('fields of two limiters', () => {
  it('are one list', () => {
    assert.equal(joinFields('"ip";r=5', 'RateLimit', '"rpm";r=1;t=2'), '"ip";r=5, "rpm";r=1;t=2')
    assert.equal(
      joinFields(['"a";r=1', '"b";r=2'], 'ratelimit', '"c";r=3'),
      '"a";r=1, "b";r=2, "c";r=3',
    )
  })

  it('name a shared rule once, as it stands now', () => {
    assert.equal(joinFields('"rpm";r=5, "ip";r=4', 'RateLimit', '"rpm";r=1'), '"ip";r=4, "rpm";r=1')
  })

  it('keep ours readable beside what is no list of strings', () => {
    for (const before of [undefined, '', 5, 'limit=10, remaining=9, reset=60', '60;w=60', '"', {}])
      assert.equal(joinFields(before, 'RateLimit', '"rpm";r=1'), '"rpm";r=1')
  })

  it('keep the last of what is no list', () => {
    assert.equal(joinFields('5', 'X-RateLimit-Limit', '6'), '6')
  })
})

describe('problems', () => {
  it('name the rules that refused, and none in shadow mode', () => {
    const refused = { allowed: false, remaining: 0, retryMs: 1000 }
    const decision = decide([
      standing({ name: 'a' }),
      standing({ name: 'b', ...refused }),
      standing({ name: 'c', shadow: true, ...refused }),
    ])
    const { status, body } = quotaExceeded(decision)
    assert.equal(status, 429)
    assert.deepEqual(JSON.parse(body.toString()), {
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Request cannot be satisfied as assigned quota has been exceeded',
      status: 429,
      'violated-policies': ['b'],
    })
  })

  it('say with 503 that limits cannot be checked', () => {
    const { status, body } = reducedCapacity()
    assert.equal(status, 503)
    assert.equal(
      JSON.parse(body.toString()).type,
      'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
    )
  })
})
