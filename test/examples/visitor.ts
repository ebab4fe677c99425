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
  }[]
}

interface Listed {
  readonly sessions: readonly {
    readonly id: string
    readonly title: string
    readonly messages: number
  }[]
}

/** A browser's requests, with its cookie. */
export class Visitor {
  readonly #url: string
  #cookie = ''

  constructor(url: string) {
    this.#url = url
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
  async ask(chat: string, text: unknown, id?: string): Promise<Heard> {
    const response = await this.post(chat, { text, id })
    const { status, headers, body } = response
    const events: string[] = []
    const heard = { text: '', sources: [], trace: {} as TraceHeard }
    if (body === null || !headers.get('content-type')?.startsWith('text/event-stream'))
      return { status, headers, events, ...heard, text: await response.text() }
    for await (const { event, data } of eventsOf(body)) {
      const value = JSON.parse(data)
      if (events.at(-1) !== event) events.push(event)
      if (event === 'delta') heard.text += value.text
      else if (event === 'sources') heard.sources = value
      else if (event === 'trace') heard.trace = value
    }
    return { status, headers, events, ...heard }
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

  async chats(): Promise<Listed['sessions']> {
    return ((await (await this.fetch('/chats')).json()) as Listed).sessions
  }
}
