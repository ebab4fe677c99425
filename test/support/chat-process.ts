import { setTimeout as sleep } from 'node:timers/promises'
import { createStore } from '../../lib/index.ts'
import { frameworks } from './apps.ts'
import { serveChat } from './chat-app.ts'

// One of several processes of a test: arguments are framework and the URL of Redis.
const [name, url] = process.argv.slice(2)
const framework = frameworks.find((each) => each.name === name)
if (!framework || !url) throw new Error('Usage: chat-process FRAMEWORK URL')

const store = createStore({ url })

/** Answers `count N` by N words, `for ever` by words without end, and others at once. */
const app = await serveChat(framework, store, async function* (_turn, content) {
  const count =
    content === 'for ever' ? Number.POSITIVE_INFINITY : Number(/count (\d+)/.exec(content)?.[1])
  for (let n = 0; n < (count || 1); n++) {
    yield `${content === 'for ever' ? 'word' : content}-${n} `
    await sleep(content === 'for ever' ? 10 : 1)
  }
})
process.send?.(app.url)
