import express from 'express'
import { Redis } from 'ioredis'
import Koa from 'koa'
import { type Asking, koaRoutes, type OpenOn, withRoutes } from './bare.ts'
import { redisOf, type Stack } from './stack.ts'
import { keptSeconds, type Said } from './work.ts'

/** A conversation as one text, on Express. */
export const getSetOnExpress: Stack = (place) =>
  withRoutes(express(), wholeConversations(new Redis(redisOf(place))))

/** The same on Koa. */
export const getSetOnKoa: Stack = (place) =>
  new Koa().use(koaRoutes(wholeConversations(new Redis(redisOf(place))))).callback()

/**
 * What is written by hand most often: GET the whole conversation, parse it, push to it, and SET it.
 * Of two turns at once one is lost.
 */
export function wholeConversations(redis: Redis): OpenOn<Asking> {
  return (asking) => {
    const key = `chat:${asking.get('x-session-id')}`
    let read: Promise<Said[]> | undefined
    const whole = () => {
      read ??= redis.get(key).then((text) => (text === null ? [] : JSON.parse(text)))
      return read
    }
    const write = (messages: readonly Said[]) =>
      redis.set(key, JSON.stringify(messages), 'EX', keptSeconds)
    return {
      last: async (count) => (await whole()).slice(-count),
      async append(messages) {
        const all = await whole()
        all.push(...messages)
        await write(all)
      },
      restart: write,
    }
  }
}
