import { memoriesOf, storeAt } from './memories.ts'

/** What was stored. */
export interface SizeResult {
  readonly messages: number
  /** Of all messages as JSON, as `history()` hands them out, but without their ids. */
  readonly jsonBytes: number
  /** By which the heap of this process has grown. */
  readonly heapBytes: number
}

const count = 2000
const [leastBytes, mostBytes] = [400, 600]

const [, , how, url] = process.argv
const store = storeAt(url)
const memory = memoriesOf({ store, ttl: 3600, maxStored: 100_000 })('ann', 'default')
const other = memoriesOf({ store, ttl: 3600 })('bob', 'default')
// Code and connections are there before it is weighed.
for (let at = 0; at < 500; at += 1) await exchange(other, at)
await other.delete()

const before = heapBytes()
for (let at = 0; at < count / 2; at += 1) await exchange(memory, at)
const heapGrown = heapBytes() - before
const result: SizeResult = {
  messages: count,
  jsonBytes: await jsonBytesOf(memory),
  heapBytes: heapGrown,
}
process.send?.(result)
await store.close()
process.disconnect()

/** Stores a question and its reply. */
async function exchange(into: typeof memory, at: number): Promise<void> {
  const question = said('user', `Question ${at}. `, bytesOf(2 * at))
  const reply = said('assistant', `Reply ${at}. `, bytesOf(2 * at + 1))
  if (how === 'turn') await (await into.turn(question)).commit(reply)
  else await into.append([question, reply])
}

async function jsonBytesOf({ history }: typeof memory): Promise<number> {
  let bytes = 0
  for (let before: number | undefined = count + 1; before !== undefined; ) {
    const { items, next }: Awaited<ReturnType<typeof history>> = await history({ before })
    for (const { id: _, ...message } of items) bytes += JSON.stringify(message).length
    before = next
  }
  return bytes
}

/** All sizes between the bounds, in no order: Redis packs equal ones well, or badly. */
function bytesOf(at: number): number {
  return leastBytes + ((at * 89) % (mostBytes - leastBytes + 1))
}

/** A message of so many bytes as JSON. */
function said<Role extends string>(role: Role, words: string, bytes: number) {
  const room = bytes - JSON.stringify({ role, content: '' }).length
  return { role, content: words.repeat(bytes).slice(0, room) }
}

function heapBytes(): number {
  if (globalThis.gc === undefined) throw new Error('Heaps are compared with --expose-gc only')
  for (let times = 0; times < 3; times += 1) globalThis.gc()
  return process.memoryUsage().heapUsed
}
