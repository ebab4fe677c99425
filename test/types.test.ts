import type { MessageParam } from '@anthropic-ai/sdk/resources/messages'
import type { UIMessage } from 'ai'
import { expectTypeOf } from 'expect-type'
import type { Request, RequestHandler } from 'express'
import type { Context, Middleware } from 'koa'
import { describe, it } from 'mocha'
import type OpenAI from 'openai'
import {
  type AnswerBatch,
  type AnyMessage,
  type Begun,
  type Changed,
  cached,
  type EndedTurn,
  type Fields,
  type FieldsWritten,
  type Context as Handed,
  type HistoryLog,
  type Limiter,
  type Memory,
  type Provider,
  type Store,
  type Turns,
} from '../lib/index.ts'
import * as onExpress from '../middleware/express.ts'
import * as onKoa from '../middleware/koa.ts'

describe('types', () => {
  it('give handlers of both frameworks the same helpers', () => {
    expectTypeOf<Request['memory']>().toEqualTypeOf<Memory>()
    expectTypeOf<Context['memory']>().toEqualTypeOf<Memory>()
    expectTypeOf<Context['rateLimit']>().toEqualTypeOf<Request['rateLimit']>()
    expectTypeOf<Context['cache']>().toEqualTypeOf<Request['cache']>()
  })

  it('give middlewares that the frameworks take', () => {
    expectTypeOf(onExpress.sessionMemory).returns.toExtend<RequestHandler>()
    expectTypeOf(onExpress.rateLimit).returns.toExtend<RequestHandler & Limiter<Request>>()
    expectTypeOf(onExpress.cacheResponse).returns.toExtend<RequestHandler>()
    expectTypeOf(onExpress.compose).returns.toExtend<RequestHandler>()
    expectTypeOf(onKoa.sessionMemory).returns.toEqualTypeOf<Middleware>()
    expectTypeOf(onKoa.rateLimit).returns.toExtend<Middleware & Limiter<Context>>()
    expectTypeOf(onKoa.cacheResponse).returns.toExtend<Middleware>()
    expectTypeOf(onKoa.compose).returns.toEqualTypeOf<Middleware>()
  })

  it('hand the framework its own request in options', () => {
    type ExpressUser = NonNullable<onExpress.SessionMemoryOptions<Request>['user']>
    type KoaUser = NonNullable<onKoa.SessionMemoryOptions<Context>['user']>
    expectTypeOf<ExpressUser>().parameter(0).toEqualTypeOf<Request>()
    expectTypeOf<KoaUser>().parameter(0).toEqualTypeOf<Context>()
  })

  it('keep arguments and result of a cached function', () => {
    const fn = cached(async (question: string, limit: number) => [question, limit] as const, {
      ttl: '1m',
      name: 'typed',
    })
    expectTypeOf(fn).parameters.toEqualTypeOf<[string, number]>()
    expectTypeOf(fn).returns.resolves.toEqualTypeOf<readonly [string, number]>()
  })

  it('hand result and arguments of a cached function to what tags it', () => {
    cached(async (question: string) => ({ question, sources: ['a'] }), {
      ttl: '1m',
      name: 'tagged',
      tags: (value, question) => {
        expectTypeOf(question).toEqualTypeOf<string>()
        expectTypeOf(value).toEqualTypeOf<{ question: string; sources: string[] }>()
        return value.sources
      },
    })
  })

  it('type what a pipeline gives', () => {
    type Results = Awaited<ReturnType<typeof run>>
    const run = (store: Store) => store.pipeline().get<string>('a').incr('n').ttl('a').exec()
    expectTypeOf<Results>().toEqualTypeOf<
      readonly [string | undefined, number, number | undefined]
    >()
  })

  it('hand out messages that the packages of providers take', () => {
    type Chat = OpenAI.Chat.Completions.ChatCompletionMessageParam
    type Item = OpenAI.Responses.ResponseInputItem
    expectTypeOf<Handed<'openai'>['messages']>().toExtend<Chat[]>()
    expectTypeOf<Handed<'openai-responses'>['messages']>().toExtend<Item[]>()
    expectTypeOf<Handed<'anthropic'>['messages']>().toExtend<MessageParam[]>()
    expectTypeOf<Handed<'ai-sdk'>['messages']>().toExtend<UIMessage[]>()
    const asked = (memory: Memory) => memory.context({ as: 'anthropic', tokens: 100 })
    expectTypeOf(asked).returns.resolves.toEqualTypeOf<Handed<'anthropic'>>()
    const plain = (memory: Memory) => memory.context()
    expectTypeOf(plain).returns.resolves.toEqualTypeOf<Handed>()
  })

  it('name every port that a provider of your own has', () => {
    expectTypeOf<Provider['history']>().toEqualTypeOf<HistoryLog>()
    expectTypeOf<Provider['turns']>().toEqualTypeOf<Turns>()
    expectTypeOf<Provider['fields']>().toEqualTypeOf<Fields>()
    expectTypeOf<Parameters<Turns['write']>[2]>().toEqualTypeOf<AnswerBatch | undefined>()
    expectTypeOf<Turns['begin']>().returns.resolves.toHaveProperty('begun').toEqualTypeOf<Begun>()
    expectTypeOf<Turns['end']>().returns.resolves.toEqualTypeOf<EndedTurn>()
    expectTypeOf<HistoryLog['amend']>().returns.resolves.toEqualTypeOf<Changed>()
    expectTypeOf<Fields['write']>().returns.resolves.toEqualTypeOf<FieldsWritten>()
  })

  it('take messages as the packages of providers type them', () => {
    type Chat = OpenAI.Chat.Completions.ChatCompletionMessageParam
    type Legacy = OpenAI.Chat.Completions.ChatCompletionFunctionMessageParam
    type Item = OpenAI.Responses.ResponseInputItem
    expectTypeOf<Exclude<Chat, Legacy>>().toExtend<AnyMessage>()
    expectTypeOf<OpenAI.Chat.Completions.ChatCompletionMessage>().toExtend<AnyMessage>()
    expectTypeOf<
      Exclude<Item, OpenAI.Responses.ResponseInputItem.ItemReference>
    >().toExtend<AnyMessage>()
    expectTypeOf<OpenAI.Responses.ResponseOutputItem>().toExtend<AnyMessage>()
    expectTypeOf<MessageParam>().toExtend<AnyMessage>()
    expectTypeOf<UIMessage>().toExtend<AnyMessage>()
  })
})
