import assert from 'node:assert/strict'
import {
  convertToModelMessages,
  readUIMessageStream,
  simulateReadableStream,
  type UIMessageChunk,
  validateUIMessages,
} from 'ai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { Chunk } from '../../lib/history/stream/chunk.ts'
import { isChunk } from '../../lib/history/stream/chunk.ts'
import { fold, folder } from '../../lib/history/stream/fold.ts'
import { kept } from '../support/answers.ts'

const text: Chunk[] = [
  { type: 'text-start', id: 't' },
  { type: 'text-delta', id: 't', delta: 'Hello ' },
  { type: 'text-delta', id: 't', delta: 'there' },
]
const call = { toolCallId: 'c', toolName: 'weather' }

describe('chunks put together', () => {
  it('are nothing where nothing was said', () => {
    assert.equal(fold([]), undefined)
    assert.equal(fold([{ type: 'start-step' }, { type: 'text-start', id: 't' }]), undefined)
    assert.equal(fold([{ type: 'finish', messageMetadata: { n: 1 } }]), undefined)
  })

  it('are a message of text where there is nothing but one text', () => {
    assert.deepEqual(fold([{ type: 'start-step' }, ...text]), {
      role: 'assistant',
      content: 'Hello there',
    })
  })

  it('are parts where there is more', () => {
    assert.deepEqual(fold([...text, { type: 'data-at', data: 3 }]), {
      role: 'assistant',
      parts: [
        { type: 'text', text: 'Hello there', state: 'done' },
        { type: 'data-at', data: 3 },
      ],
    })
  })

  it('begin where kept chunks begin', () => {
    assert.deepEqual(fold(text.slice(2)), { role: 'assistant', content: 'there' })
  })

  it('have a call that broke off as interrupted, with the input it had as a whole', () => {
    const begun: Chunk[] = [
      { type: 'tool-input-start', ...call },
      { type: 'tool-input-delta', toolCallId: 'c', inputTextDelta: '{"city":"B' },
    ]
    const interrupted = { type: 'tool-weather', toolCallId: 'c', state: 'output-error' }
    const whole: Chunk = { type: 'tool-input-delta', toolCallId: 'c', inputTextDelta: 'ern"}' }
    const rest: Chunk = { type: 'tool-input-available', ...call, input: { city: 'Bern' } }
    for (const [chunks, input] of [
      [begun, {}],
      [[...begun, whole], { city: 'Bern' }],
      [[...begun, whole, rest], { city: 'Bern' }],
    ] as const)
      assert.deepEqual(fold(chunks), {
        role: 'assistant',
        parts: [{ ...interrupted, input, errorText: 'interrupted' }],
      })
  })

  it('let a later piece of data stand for the earlier one of the same id, and none pass by', () => {
    assert.deepEqual(
      fold([
        { type: 'data-at', id: 'a', data: 1 },
        { type: 'data-at', data: 5, transient: true },
        { type: 'data-at', id: 'a', data: 2 },
      ]),
      { role: 'assistant', parts: [{ type: 'data-at', id: 'a', data: 2 }] },
    )
  })

  it('merge metadata without reaching a prototype', () => {
    const metadata = JSON.parse('{"a":{"b":1},"__proto__":{"polluted":true}}') as object
    const answer = fold([
      ...text,
      { type: 'start', messageMetadata: metadata },
      { type: 'finish', messageMetadata: { a: { c: 2 } } },
    ])
    assert.ok(answer && 'metadata' in answer)
    assert.deepEqual((answer.metadata as { a: object }).a, { b: 1, c: 2 })
    assert.equal(({} as { polluted?: boolean }).polluted, undefined)
  })

  it('are a message that the AI SDK accepts, wherever they end and whatever is missing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyChunk, { maxLength: 25 }), async (chunks) => {
        const whole = folder()
        for (const chunk of chunks) whole.push(chunk)
        const answer = whole.answer()
        if (answer === undefined) return
        const [message] = await validateUIMessages({ messages: [kept({ id: 'a', ...answer })] })
        assert.ok(message)
        const states = message.parts.flatMap((part) => ('state' in part ? [part.state] : []))
        assert.deepEqual(
          states.filter((state) => state?.endsWith('streaming')),
          [],
        )
        if (!chunks.some(({ type }) => type === 'finish'))
          assert.deepEqual(
            states.filter((state) => state === 'input-available' || state === 'approval-requested'),
            [],
          )
        await convertToModelMessages([message])
      }),
      { numRuns: 500 },
    )
  })

  it('are the message the AI SDK makes of them, where it takes them', async () => {
    await fc.assert(
      fc.asyncProperty(wholeAnswer, async (chunks) => {
        const stream = simulateReadableStream({ chunks: chunks as UIMessageChunk[] })
        let message: unknown
        for await (const next of readUIMessageStream({ stream, terminateOnError: true }))
          message = next
        const whole = folder()
        for (const chunk of chunks) whole.push(chunk)
        assert.deepEqual(kept({ id: '', ...whole.answer() }), kept(message))
      }),
      { numRuns: 30 },
    )
  })
})

describe('what counts as a chunk', () => {
  it('has a known type, the fields of it, and a JSON form', () => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    const refused: unknown[] = [
      undefined,
      'text',
      [],
      {},
      { type: 'constructor' },
      { type: 'text-delta', id: 't' },
      { type: 'text-delta', id: 't', delta: 5 },
      { type: 'text-delta', id: 'x'.repeat(1001), delta: '' },
      { type: 'text-delta', id: 't', delta: '', providerMetadata: { a: 1 } },
      { type: 'data-a\nevent: done', data: 1 },
      { type: 'data-a' },
      { type: 'data-a', data: 1n },
      { type: 'data-a', data: Number.NaN },
      { type: 'data-a', data: new Date() },
      { type: 'data-a', data: circle },
      { type: 'finish', finishReason: 'whim' },
      { type: 'tool-input-available', toolCallId: 'c', toolName: 'n' },
    ]
    assert.deepEqual(refused.filter(isChunk), [])
    for (const chunk of text) assert.ok(isChunk(chunk))
  })
})

const id = fc.constantFrom('a', 'b')
const words = fc.string({ maxLength: 5 })
const extras = fc.option(fc.constant({ openai: { itemId: 'i' } }), { nil: undefined })
const input = fc.oneof(fc.jsonValue(), fc.constant({ city: 'Bern' }))
const dynamic = fc.option(fc.constant(true), { nil: undefined })

const anyChunk = fc
  .oneof(
    fc.record({
      type: fc.constantFrom('text-start', 'text-end', 'reasoning-start', 'reasoning-end'),
      id,
      providerMetadata: extras,
    }),
    fc.record({ type: fc.constantFrom('text-delta', 'reasoning-delta'), id, delta: words }),
    fc.record({
      type: fc.constantFrom('tool-input-start', 'tool-input-available', 'tool-input-error'),
      toolCallId: id,
      toolName: fc.constantFrom('x', 'y'),
      input,
      errorText: words,
      dynamic,
      providerMetadata: extras,
    }),
    fc.record({ type: fc.constant('tool-input-delta'), toolCallId: id, inputTextDelta: words }),
    fc.record({
      type: fc.constantFrom('tool-output-available', 'tool-output-error', 'tool-output-denied'),
      toolCallId: id,
      output: input,
      errorText: words,
    }),
    fc.record({ type: fc.constant('tool-approval-request'), toolCallId: id, approvalId: words }),
    fc.record({ type: fc.constant('source-url'), sourceId: id, url: words }),
    fc.record({ type: fc.constant('data-x'), id: fc.option(id, { nil: undefined }), data: input }),
    fc.record({ type: fc.constantFrom('start-step', 'finish-step', 'finish', 'start', 'abort') }),
  )
  .map((chunk) => kept(chunk) as Chunk)

/** Answers in the order in which a model gives them: each stretch begins, grows and ends. */
const stretch = fc
  .tuple(
    fc.constantFrom('text', 'reasoning'),
    fc.array(fc.string({ minLength: 1 }), { minLength: 1 }),
    extras,
  )
  .map(([kind, deltas, providerMetadata]) =>
    kept([
      { type: `${kind}-start`, id: 's' },
      ...deltas.map((delta) => ({ type: `${kind}-delta`, id: 's', delta })),
      { type: `${kind}-end`, id: 's', providerMetadata },
    ]),
  )
const toolUse = fc.tuple(fc.uuid(), input, fc.boolean(), dynamic, extras).map((said) => {
  const [toolCallId, value, works, isDynamic, providerMetadata] = said
  const tool = { toolCallId, toolName: 'x', dynamic: isDynamic }
  return kept([
    { type: 'tool-input-start', ...tool, title: 'X' },
    { type: 'tool-input-delta', toolCallId, inputTextDelta: JSON.stringify(value) },
    { type: 'tool-input-available', ...tool, input: value, providerMetadata },
    works
      ? { type: 'tool-output-available', toolCallId, output: value, providerMetadata }
      : { type: 'tool-output-error', toolCallId, errorText: 'no' },
  ])
})
const wholeAnswer = fc
  .array(
    fc.oneof(
      stretch,
      toolUse,
      fc.record({ type: fc.constant('data-x'), id, data: input }).map((data) => [data]),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((groups) => [
    { type: 'start', messageMetadata: { a: { n: 1 } } },
    ...groups.flatMap((group) => [{ type: 'start-step' }, ...group, { type: 'finish-step' }]),
    { type: 'finish', finishReason: 'stop', messageMetadata: { a: { m: 2 } } },
  ]) as fc.Arbitrary<Chunk[]>
