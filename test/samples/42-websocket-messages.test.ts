import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, it } from 'mocha'
import { WebSocket } from 'ws'
import { type Generate, socketChat } from '../../examples/samples/42-websocket-messages.ts'
import { eventually } from '../support/eventually.ts'
import { onEachProvider } from './on-each.ts'

interface Received {
  readonly type: 'refused' | 'delta' | 'done'
  readonly by?: readonly string[]
  readonly retryAfter?: number
  readonly delta?: string
}

const user = (req: IncomingMessage) => String(req.headers['x-user'])
const echo: Generate = async function* (text) {
  yield text
}

onEachProvider('42-websocket-messages', ({ store }) => {
  const close: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const each of close.splice(0)) await each()
  })

  async function chat(generate: Generate = echo) {
    const server = createServer()
    const sockets = socketChat(server, { store: await store(), user, generate })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    close.push(async () => {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      await new Promise((closed) => server.close(closed))
    })
    return async function connect(name: string) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers: { 'x-user': name } })
      const received: Received[] = []
      socket.on('message', (text) => received.push(JSON.parse(String(text)) as Received))
      await once(socket, 'open')
      /** Sends, and waits for how it ends. */
      async function say(text: string): Promise<Received> {
        const before = received.length
        socket.send(text)
        return eventually(`${text} is answered`, async () =>
          received.slice(before).find(({ type }) => type !== 'delta'),
        )
      }
      return { socket, received, say }
    }
  }

  it('answers messages', async () => {
    const { say, received } = await (await chat())('ann')
    await say('Hello')
    deepEqual(received, [{ type: 'delta', delta: 'Hello' }, { type: 'done' }])
  })

  it('refuses a connection that sends too fast, with a message', async () => {
    const connect = await chat()
    const { say } = await connect('ann')
    const ends = [await say('1'), await say('2'), await say('3'), await say('4')]
    deepEqual(
      ends.map(({ type }) => type),
      ['done', 'done', 'done', 'refused'],
    )
    deepEqual(ends[3]?.by, ['connection'])
    ok(Number(ends[3]?.retryAfter) >= 1)
    equal((await (await connect('ann')).say('5')).type, 'done')
  })

  it('counts the messages of all connections of a user together', async () => {
    const connect = await chat()
    const ends: Received[] = []
    for (let at = 0; at < 7; at += 1) {
      const { say } = await connect('ann')
      for (let time = 0; time < 3; time += 1) ends.push(await say(String(time)))
    }
    equal(ends.filter(({ type }) => type === 'done').length, 20)
    deepEqual(ends.at(-1)?.by, ['messages'])
    equal((await (await connect('bob')).say('Hello')).type, 'done')
  })

  it('answers a user once at a time, and again when that one is done or gone', async () => {
    let finish: () => void = () => undefined
    const slow: Generate = async function* (text, signal) {
      yield text
      if (text === 'slow')
        await new Promise<void>((resolve) => {
          finish = resolve
          signal.addEventListener('abort', () => resolve())
        })
    }
    const connect = await chat(slow)
    const [one, other] = [await connect('ann'), await connect('ann')]
    const first = one.say('slow')
    await eventually('it has begun', async () => one.received.length > 0 || undefined)
    deepEqual((await other.say('Hello')).by, ['answering'])
    finish()
    equal((await first).type, 'done')
    await eventually('the slot is free', async () =>
      (await (await connect('ann')).say('Hello')).type === 'done' ? true : undefined,
    )
    const gone = await connect('ann')
    gone.socket.send('slow')
    await eventually('it has begun', async () => gone.received.length > 0 || undefined)
    gone.socket.terminate()
    await eventually('the slot is free', async () =>
      (await (await connect('ann')).say('Hello')).type === 'done' ? true : undefined,
    )
  })
})
