import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { endAtExit } from '../test/support/processes.ts'
import { startRedis } from '../test/support/redis.ts'
import '../test/support/setup.ts'
import { watchCache } from './demo-cache.mjs'

const QUESTION = 'What does the rate limiter answer above the limit?'
const FOLLOW_UP = 'And how long until it lets me through again?'

const counts = { passed: 0, failed: 0 }

await converse('embedded', { CACHE_SECONDS: '3' })
const redis = await startRedis()
try {
  await converse('redis', { CACHE_SECONDS: '3', REDIS_URL: redis.url })
} finally {
  await redis.stop()
}
const [, , totals] = process.argv
if (totals) writeFileSync(totals, `${counts.passed} ${counts.failed} 0\n`)
process.exitCode = counts.failed === 0 ? 0 : 1

/** Uses the demo as a person with a browser does. */
async function converse(store, env) {
  console.log(`npm run demo, ${store}`)
  let demo
  await check('it prints its address', async () => {
    demo = await startDemo(env)
  })
  if (!demo) return
  const visitor = client(demo.url)
  try {
    await check('it serves its page', async () => {
      const page = await visitor.get('/')
      expect(page.status === 200 && /<html/i.test(await page.text()), `status ${page.status}`)
    })
    await check(`it uses the ${store} store`, async () => {
      const about = await (await visitor.get('/about')).json()
      expect(about.store === store, about)
    })
    await check('it answers a question, streaming', async () => {
      const events = await visitor.ask('ci', QUESTION)
      expect(textOf(events) !== '' && events.at(-1)?.event === 'done', events)
    })
    await check('it understands a follow-up by what was said before', async () => {
      const events = await visitor.ask('ci', FOLLOW_UP)
      const trace = events.findLast(({ event }) => event === 'data-trace')?.data.data
      expect(textOf(events) !== '' && trace?.memory.messages === 2, trace)
      expect(trace.memory.turnsUsed > 0 && trace.memory.standalone !== FOLLOW_UP, trace)
    })
    await check('it shows the conversation to its owner, and to nobody else', async () => {
      const own = await visitor.messages('ci')
      const foreign = await client(demo.url).messages('ci')
      expect(own.length === 4 && foreign.length === 0, { own: own.length, foreign: foreign.length })
    })
    await check('it answers the same question from the cache', async () => {
      const path = `/answer?q=${encodeURIComponent(QUESTION)}`
      const first = await visitor.get(path)
      const second = await visitor.get(path)
      const status = second.headers.get('cache-status') ?? ''
      expect(first.status === 200 && /^memoryware; ?hit/.test(status), { status })
      expect((await first.text()) === (await second.text()), 'another body')
    })
    await watchCache(visitor, { check, expect })
    await check('it answers 429 above the limit, and says until when', async () => {
      const refused = await askUntilRefused(visitor)
      const seconds = Number(refused?.headers.get('retry-after'))
      expect(seconds > 0 && seconds <= 60, { status: refused?.status, seconds })
    })
    if (store === 'redis') {
      await check('the conversation outlives the process', async () => {
        await demo.stop()
        demo = await startDemo(env)
        const own = await visitor.at(demo.url).messages('ci')
        expect(own.length === 4, { own: own.length })
      })
    }
  } finally {
    await check('it ends in order when it is told to', () => demo.stop())
  }
}

async function askUntilRefused(visitor) {
  for (let tries = 0; tries < 60; tries += 1) {
    const answer = await visitor.get(`/answer?q=${tries}`)
    await answer.arrayBuffer()
    if (answer.status === 429) return answer
  }
}

async function check(fact, verify) {
  try {
    await verify()
    counts.passed += 1
    console.log(`  ok      ${fact}`)
  } catch (error) {
    counts.failed += 1
    console.log(`  FAILED  ${fact}: ${error.message}`)
  }
}

function expect(holds, found) {
  if (!holds) throw new Error(JSON.stringify(found))
}

/** Runs `npm run demo` in a process group of its own, and waits for the address it prints. */
async function startDemo(env) {
  const child = spawn('npm', ['run', 'demo'], {
    env: { ...withoutSettings(process.env), PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  // npm passes a signal on to its shell, which keeps it: the group is told instead.
  const tell = (signal) => {
    try {
      process.kill(-child.pid, signal)
    } catch {
      // The group has ended.
    }
  }
  // Its output closes when the last of the group has ended.
  const ended = once(child, 'close')
  child.once(
    'close',
    endAtExit(() => tell('SIGKILL')),
  )
  const late = wait(30_000, undefined, { ref: false })
  const url = await Promise.race([addressIn(child.stdout), ended, late])
  if (typeof url !== 'string') {
    tell('SIGKILL')
    throw new Error(url ? `it ended with ${url[0]}` : 'no address within 30 s')
  }
  return {
    url,
    async stop() {
      tell('SIGTERM')
      const late = await Promise.race([ended, wait(5_000, 'late', { ref: false })])
      tell('SIGKILL')
      expect(late !== 'late', 'it still runs 5 s after SIGTERM')
    },
  }
}

/** The environment without what the demo would take settings from. */
function withoutSettings(env) {
  const own = /^(REDIS_|MEMORY_|OPENAI_|SESSION_|DOCS_DIR$|RATE_LIMIT$|CACHE_SECONDS$|HOST$)/
  return Object.fromEntries(Object.entries(env).filter(([name]) => !own.test(name)))
}

async function addressIn(output) {
  let text = ''
  return new Promise((resolve) => {
    output.on('data', (bytes) => {
      text += bytes
      const found = text.match(/http:\/\/[\w.:[\]-]+:\d+/)
      if (found) resolve(found[0])
    })
  })
}

/** A browser as far as it matters here: it keeps its cookie. */
function client(base, jar = { cookie: '' }) {
  async function request(path, options = {}) {
    const headers = { ...(jar.cookie && { cookie: jar.cookie }), ...options.headers }
    const response = await fetch(base + path, { ...options, headers })
    for (const line of response.headers.getSetCookie()) jar.cookie = line.split(';')[0]
    return response
  }
  return {
    at: (url) => client(url, jar),
    get: (path) => request(path),
    send: request,
    /** Asks the cache that can be watched; what it says stands without its name. */
    async watch(question, headers) {
      const response = await request(`/cached?q=${question}`, { headers })
      expect(response.status === 200, `status ${response.status}`)
      const said = response.headers.get('cache-status')?.replace(/^memoryware; /, '')
      return { said, run: (await response.json()).run }
    },
    async messages(chat) {
      return (await (await request(`/chats/${chat}/messages`)).json()).messages
    },
    async ask(chat, text) {
      const response = await request(`/chats/${chat}/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text }),
      })
      expect(response.status === 200, `status ${response.status}`)
      return eventsIn(await response.text())
    },
  }
}

function eventsIn(stream) {
  return stream.split('\n\n').flatMap((block) => {
    const event = block.match(/^event: (.*)$/m)?.[1]
    const data = block.match(/^data: (.*)$/m)?.[1]
    return event && data ? [{ event, data: JSON.parse(data) }] : []
  })
}

function textOf(events) {
  return events
    .filter(({ event }) => event === 'delta')
    .map(({ data }) => data.text)
    .join('')
}
