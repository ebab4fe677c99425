import { cached, type Lookup } from 'memoryware'
import type { Answer, Answerer, Listener, Source } from './answer.ts'
import type { Library } from './library.ts'
import { sameQuestion } from './question.ts'

/** What is heard of an answer: its sources, words of a model as they come, and at last the whole. */
export type Told =
  | { readonly kind: 'sources'; readonly sources: readonly Source[] }
  | { readonly kind: 'delta'; readonly text: string }
  | ({ readonly kind: 'whole' } & Lookup<Answer>)

/** Answers by standalone question; the same question is answered once, for all who ask. */
export interface Answers {
  /** The whole answer. */
  (standalone: string): Promise<Answer>
  /** The answer as it is made. Who stops listening stops it, unless others listen as well. */
  follow(standalone: string, signal?: AbortSignal): AsyncGenerator<Told>
  /** Has the question answered anew when it is asked next. */
  forget(standalone: string): Promise<void>
}

/** Retrieves and answers once; the same question is then answered from the store for ten minutes. */
export function cachedAnswers(library: Library, answerer: Answerer): Answers {
  const makings = new Map<string, Making>()
  const answers = cached(
    (standalone: string, making: Making) => answerer.answer(standalone, making, making.signal),
    {
      name: 'rag-answer',
      ttl: '10m',
      // Other documents or another model give other answers; who listens makes no difference.
      key: (standalone) => [library.version, answerer.name, sameQuestion(standalone)],
    },
  )

  function join(standalone: string) {
    const key = sameQuestion(standalone)
    const making = makings.get(key) ?? new Making()
    makings.set(key, making)
    const forget = () => {
      if (makings.get(key) === making) makings.delete(key)
    }
    const leave = making.join(() => {
      forget()
      // Who asks from now on must not wait for what was stopped.
      answers.delete(standalone, making).catch(() => {})
    })
    const found = answers.withStatus(standalone, making).finally(() => {
      forget()
      making.end()
    })
    // A follower that is gone waits for it no more.
    found.catch(() => {})
    return { making, found, leave }
  }

  async function* follow(standalone: string, signal?: AbortSignal): AsyncGenerator<Told> {
    signal?.throwIfAborted()
    const { making, found, leave } = join(standalone)
    signal?.addEventListener('abort', leave, { once: true })
    try {
      yield* making.told(signal)
      const lookup = await found
      leave()
      yield { kind: 'whole', ...lookup }
    } finally {
      signal?.removeEventListener('abort', leave)
      leave()
    }
  }

  async function whole(standalone: string): Promise<Answer> {
    const { found, leave } = join(standalone)
    return (await found.finally(leave)).value
  }

  const forget = (standalone: string) => answers.delete(standalone, new Making())
  return Object.assign(whole, { follow, forget })
}

/** One answer on its way, and those who listen to it. */
class Making implements Listener {
  readonly #stop = new AbortController()
  readonly #told: Told[] = []
  #listeners = 0
  #ended = false
  #waiting: (() => void)[] = []

  /** Aborted when nobody listens any more. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  sources(sources: readonly Source[]): void {
    this.#tell({ kind: 'sources', sources })
  }

  delta(text: string): void {
    this.#tell({ kind: 'delta', text })
  }

  /** Counts one more who listens, until the function given back is called. */
  join(stopped: () => void): () => void {
    let here = true
    this.#listeners += 1
    return () => {
      if (!here) return
      here = false
      this.#listeners -= 1
      if (this.#listeners > 0 || this.#ended) return
      stopped()
      this.#stop.abort()
    }
  }

  /** All that was told so far, and what is told until it ends. */
  async *told(signal: AbortSignal | undefined): AsyncGenerator<Told> {
    for (let at = 0; !signal?.aborted; ) {
      const next = this.#told[at]
      if (next) {
        at += 1
        yield next
      } else if (this.#ended) return
      else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  #tell(told: Told): void {
    this.#told.push(told)
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
