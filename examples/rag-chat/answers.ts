import { type CachedFunction, cached } from 'memoryware'
import type { Answer, Answerer, Listener } from './answer.ts'
import type { Library } from './library.ts'
import { sameQuestion } from './question.ts'

/** Retrieves and answers once; the same question is then answered from the store for ten minutes. */
export function cachedAnswers(library: Library, answerer: Answerer): Answers {
  async function retrieveAndAnswer(standalone: string, listener?: Listener): Promise<Answer> {
    return answerer.answer(standalone, listener)
  }

  return cached(retrieveAndAnswer, {
    name: 'rag-answer',
    ttl: '10m',
    // Other documents or another model give other answers; who listens makes no difference.
    key: (standalone) => [library.version, answerer.name, sameQuestion(standalone)],
  })
}

/** Answers by standalone question, with how the cache took part. */
export type Answers = CachedFunction<[standalone: string, listener?: Listener], Answer>
