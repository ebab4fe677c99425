import { codecOf } from '../../lib/history/codec.ts'
import { openMemory } from '../../lib/history/open-memory.ts'
import { createStore } from '../../lib/index.ts'
import { checkMemoryOptions } from '../../middleware/memory-options.ts'

/** A program: so many turns, contexts and appends, on Redis where a URL is given. */
const [, , rounds = '0', url] = process.argv
const store = createStore(url === undefined ? {} : { url, deadline: '1s' })
const { rules } = checkMemoryOptions('sessionMemory', { store, ttl: '1h' })
const scope = () => ({
  owner: 'ann',
  user: 'ann',
  codec: codecOf(rules.serializer, 'ann'),
  guest: undefined,
  deadline: store.deadline(),
  degraded: false,
  encodeSession: String,
  endGuest() {},
})
for (let round = 0; round < Number(rounds); round += 1) {
  const turn = await openMemory(rules, scope(), 'turns').turn({ role: 'user', content: 'q' })
  await turn.context()
  await turn.commit({ role: 'assistant', content: 'a' })
  const memory = openMemory(rules, scope(), 'appends')
  await memory.context()
  await memory.append([
    { role: 'user', content: 'q' },
    { role: 'assistant', content: 'a' },
  ])
}
await store.close()
