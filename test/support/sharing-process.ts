import type { Lead } from '../../lib/cache/leading.ts'
import { Live } from '../../lib/cache/live.ts'
import { sharingOf } from '../../lib/cache/sharing.ts'
import { createStore } from '../../lib/index.ts'
import type { FillEnd } from '../../lib/ports/fills.ts'
import { headOf } from '../cache/lives.ts'

/** What a process is told to do, under a name for the answer that is meant. */
export type Order =
  | { readonly name: string; readonly do: 'claim'; readonly key: string }
  | LeadOrder

type LeadOrder =
  | { readonly name: string; readonly do: 'live' }
  | { readonly name: string; readonly do: 'lost' }
  | { readonly name: string; readonly do: 'keep' }
  | { readonly name: string; readonly do: 'push'; readonly text: string }
  | { readonly name: string; readonly do: 'end'; readonly how: FillEnd; readonly whole: boolean }

/** What a process tells: of a claim, of what came of it, and of the text of an answer. */
export type Word =
  | { readonly name: string; readonly said: 'claimed'; readonly kind: string }
  | { readonly name: string; readonly said: 'next'; readonly kind: string }
  | { readonly name: string; readonly said: 'text'; readonly text: string }
  | { readonly name: string; readonly said: 'whole' }
  | { readonly name: string; readonly said: 'broken' }
  | { readonly name: string; readonly said: 'lost'; readonly lost: boolean }
  | { readonly name: string; readonly said: 'kept'; readonly kept: boolean }

interface Led {
  readonly key: string
  readonly lead: Lead
  readonly live: Live
}

// One of several processes of a test: the argument is the URL of Redis.
const [url] = process.argv.slice(2)
if (!url) throw new Error('Usage: sharing-process URL')
const store = createStore({ url })
const sharing = sharingOf(store)
const led = new Map<string, Led>()

const say = (word: Word): void => void process.send?.(word)

async function claim(name: string, key: string): Promise<void> {
  const claimed = await sharing.claim({ key, variant: '' }, store.deadline())
  if (claimed.kind === 'lead')
    led.set(name, { key, lead: claimed.lead, live: new Live(headOf(), 1024 * 1024) })
  say({ name, said: 'claimed', kind: claimed.kind })
  if (claimed.kind !== 'follow') return
  const next = await claimed.follow.next
  say({ name, said: 'next', kind: next.kind })
  if (next.kind !== 'live') return
  next.live
    .read()
    .on('data', (chunk) => say({ name, said: 'text', text: String(chunk) }))
    .on('end', () => say({ name, said: 'whole' }))
    .on('error', () => say({ name, said: 'broken' }))
}

async function keep(name: string, { key, lead }: Led): Promise<void> {
  const entry = { head: Buffer.from('head'), body: Buffer.from('body') }
  const fill = { variant: '', token: lead.token }
  const variant = { vary: [], variant: '', entry, ttlMs: 60_000, maxVariants: 5, fill }
  say({ name, said: 'kept', kept: await store.entries.keep(key, variant) })
}

function lead(order: LeadOrder): void {
  const { name } = order
  const own = led.get(name)
  if (!own) return
  if (order.do === 'live') own.lead.live(own.live)
  else if (order.do === 'push') own.live.push(Buffer.from(order.text))
  else if (order.do === 'lost') say({ name, said: 'lost', lost: own.lead.lost })
  else if (order.do === 'keep') void keep(name, own)
  else {
    own.live.end(order.whole)
    own.lead.end(order.how)
  }
}

process.on('message', (order: Order) => {
  if (order.do === 'claim') void claim(order.name, order.key)
  else lead(order)
})
process.send?.('ready')
