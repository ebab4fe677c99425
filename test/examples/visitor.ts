import { eventsOf } from '../../examples/rag-chat/events.ts'

/** What a turn sent. */
export interface Heard {
  readonly status: number
  readonly headers: Headers
  /** The names of the events, in order, each once in a row. */
  readonly events: readonly string[]
  readonly text: string
  readonly sources: readonly { readonly file: string }[]
  readonly trace: TraceHeard
  /** How the answer ended, and its id. */
  readonly end: { readonly status?: string; readonly message?: string }
  /** Of the last event. */
  readonly lastId: string | undefined
}

interface TraceHeard {
  readonly memory: {
    readonly messages: number
    readonly turnsUsed: number
    readonly standalone: string
  }
  readonly cache: { readonly status: string }
  readonly limit: { readonly limit: number; readonly remaining: number }
}

interface Shown {
  readonly messages: readonly {
    readonly id: string
    readonly role: string
    readonly text: string
    readonly status?: string
    readonly sources: readonly { readonly file: string }[]
  }[]
}

interface Listed {
  readonly items: readonly {
    readonly id: string
    readonly title: string
    readonly messages: number
    readonly pinned: boolean
  }[]
}

/** A browser's requests, with its cookie. */
export class Visitor {
  readonly #url: string
  #cookie = ''

  constructor(url: string) {
    this.#url = url
  }

  /** The same browser at another server of the same site. */
  at(url: string): Visitor {
    const visitor = new Visitor(url)
    visitor.#cookie = this.#cookie
    return visitor
  }

  async fetch(path: string, options: RequestInit = {}): Promise<Response> {
    const headers = new Headers(options.headers)
    if (this.#cookie !== '') headers.set('cookie', this.#cookie)
    const response = await fetch(this.#url + path, { ...options, headers })
    const [cookie] = response.headers.getSetCookie()
    if (cookie !== undefined) this.#cookie = cookie.split(';')[0] ?? ''
    return response
  }

  /** Asks, and reads the answer to its end. */
  async ask(chat: string, text: unknown, id?: string, more: object = {}): Promise<Heard> {
    return heard(await this.post(chat, { text, id, ...more }))
  }

  post(chat: string, body: unknown, options: RequestInit = {}): Promise<Response> {
    return this.fetch(`/chats/${chat}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...options,
    })
  }

  async messages(chat: string): Promise<Shown['messages']> {
    const response = await this.fetch(`/chats/${chat}/messages`)
    return ((await response.json()) as Shown).messages
  }

  async chats(): Promise<Listed['items']> {
    return ((await (await this.fetch('/chats')).json()) as Listed).items
  }

  /** Follows the answer that is being given. */
  resume(chat: string, lastId?: string): Promise<Response> {
    const headers = lastId === undefined ? {} : { 'last-event-id': lastId }
    return this.fetch(`/chats/${chat}/stream`, { headers })
  }

  /** Changes, rewinds or stops a chat; gives the status. */
  async change(chat: string, method: string, part: string, body?: object): Promise<number> {
    const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    const path = `/chats/${chat}${part}`
    const { status } = await this.fetch(path, { method, ...(body && json) })
    return status
  }
}

interface Sent {
  readonly text: string
  readonly data: never
  readonly status: string
  readonly message: string
}

type Reading = { -readonly [Name in 'text' | 'sources' | 'trace' | 'end' | 'lastId']: Heard[Name] }

/** Reads an answer to its end, or until `enough` of its text is there: then the reader leaves. */
export async function heard(response: Response, enough = Number.POSITIVE_INFINITY): Promise<Heard> {
  const { status, headers, body } = response
  const events: string[] = []
  const all: Reading = {
    text: '',
    sources: [],
    trace: {} as TraceHeard,
    end: {},
    lastId: undefined,
  }
  if (body === null || !headers.get('content-type')?.startsWith('text/event-stream'))
    return { status, headers, events, ...all, text: await response.text() }
  for await (const { id, event, data } of eventsOf(body)) {
    if (events.at(-1) !== event) events.push(event)
    all.lastId = id ?? all.lastId
    takes[event]?.(all, JSON.parse(data))
    if (all.text.length >= enough) break
  }
  return { status, headers, events, ...all }
}

const takes: Record<string, (all: Reading, value: Sent) => void> = {
  delta: (all, { text }) => {
    all.text += text
  },
  'data-sources': (all, { data }) => {
    all.sources = data
  },
  'data-trace': (all, { data }) => {
    all.trace = data
  },
  done: (all, end) => {
    all.end = end
  },
}
