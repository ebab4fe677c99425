import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { run } from '../../test/support/consumer.ts'
import { killAtExit } from '../../test/support/processes.ts'
import { freePort } from '../../test/support/redis.ts'
import { about, check } from './facts.mts'
import { type Project, succeed } from './project.mts'
import { programs } from './sources.mts'

/** Runs every program on every Node, and asks it as its clients do; runs Jest on each. */
export async function checkPrograms({ folder, nodes }: Project): Promise<void> {
  for (const [major, node] of nodes) {
    about(`Programs, Node ${major}`)
    for (const source of programs) await checkProgram(node, source.replace('ts', 'js'), folder)
    await check('Jest, without configuration', async () => {
      const jest = `${folder}/node_modules/jest/bin/jest.js`
      const { stderr } = await succeed(run(node, [jest, '--ci'], `${folder}/jest`, 60_000))
      match(stderr, /2 passed, 2 total/)
    })
  }
}

async function checkProgram(node: string, file: string, cwd: string): Promise<void> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const { PATH = '', HOME = '' } = process.env
  const env = { PATH, HOME, PORT: String(port) }
  const child = spawn(node, [file], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })
  killAtExit(child)
  let said = ''
  child.stderr.on('data', (bytes: Buffer) => {
    said += bytes.toString()
  })
  try {
    const listens = await check(`${file}: listens`, () => listening(child, port, () => said))
    if (!listens) return
    await check(`${file}: remembers, each for itself`, () => remembers(url))
    await check(`${file}: answers from the cache`, () => answersFromCache(url))
    await check(`${file}: answers 429 above the limit`, () => refuses(url))
    await check(`${file}: says nothing but where things are kept`, () => equal(unasked(said), ''))
  } finally {
    child.kill('SIGKILL')
  }
}

async function listening(child: ChildProcess, port: number, said: () => string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (child.exitCode !== null) break
    const socket = connect(port, '127.0.0.1')
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (open) return
    await wait(50)
  }
  throw new Error(`it does not listen: ${said()}`)
}

/** What a program wrote besides the notice that it runs without Redis. */
function unasked(said: string): string {
  const lines = said
    .split('\n')
    .filter((line) => !/MEMORYWARE_EMBEDDED|--trace-warnings/.test(line))
  return lines.join('\n').trim()
}

async function say(url: string, q: string, cookie = '') {
  const answer = await fetch(`${url}/chats/one`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie },
    body: JSON.stringify({ q }),
  })
  equal(answer.status, 200)
  const { messages } = (await answer.json()) as { messages: { content: string }[] }
  const contents = messages.map(({ content }) => content)
  return { contents, cookie: answer.headers.getSetCookie()[0]?.split(';')[0] }
}

async function remembers(url: string): Promise<void> {
  const { cookie } = await say(url, 'a')
  const second = await say(url, 'b', cookie)
  deepEqual(second.contents, ['a', 'You asked: a', 'b', 'You asked: b'])
  const stranger = await say(url, 'c')
  deepEqual(stranger.contents, ['c', 'You asked: c'])
  notEqual(stranger.cookie, cookie)
}

async function answersFromCache(url: string): Promise<void> {
  const first = await fetch(`${url}/answer?q=why`)
  equal(first.headers.get('cache-status'), 'memoryware; fwd=miss; stored')
  const hit = await fetch(`${url}/answer?q=why`)
  match(hit.headers.get('cache-status') ?? '', /^memoryware; hit/)
  deepEqual(await hit.json(), await first.json())
  const head = await fetch(`${url}/answer?q=why`, { method: 'HEAD' })
  match(head.headers.get('cache-status') ?? '', /^memoryware; hit/)
  const other = await fetch(`${url}/answer?q=what`)
  deepEqual(await other.json(), { answer: 'You asked: what' })
}

async function refuses(url: string): Promise<void> {
  for (let tries = 0; tries <= 10; tries += 1) {
    const answer = await fetch(`${url}/chats/one`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"q":"again"}',
    })
    if (answer.status !== 429) continue
    const { status } = (await answer.json()) as { status: number }
    equal(status, 429)
    match(answer.headers.get('ratelimit') ?? '', /^"10-per-1m";r=0;t=\d+$/)
    equal(answer.headers.get('ratelimit-policy'), '"10-per-1m";q=10;w=60')
    ok(Number(answer.headers.get('retry-after')) > 0)
    return
  }
  throw new Error('no 429 in eleven requests')
}
