import { RequestError } from '../lib/errors.ts'
import { isShape, only, type Shape } from '../lib/history/formats/shape.ts'
import type { UiMessage } from '../lib/history/message.ts'
import { usableId } from './usable-id.ts'

/** What `useChat` has sent, as far as a server believes it. */
export interface ChatRequest {
  /** The newest message: a user's, or an assistant's with what its calls were waiting for. */
  readonly last: UiMessage & { readonly id: string; readonly role: 'user' | 'assistant' }
  /** What was answered is to be answered anew: the answer goes, and all after it. */
  readonly anew: boolean
}

/**
 * Reads a body as `DefaultChatTransport` sends it: with all `messages`, or with the last `message`
 * alone.
 *
 * @throws RequestError 400 for what is none.
 */
export function chatRequest(body: unknown): ChatRequest {
  const { message, messages, trigger, messageId } = isShape(body) ? body : ({} as Shape)
  const last = message ?? (Array.isArray(messages) ? messages.at(-1) : undefined)
  if (!isShape(last) || !Array.isArray(last['parts']) || usableId(last['id']).id === undefined)
    throw new RequestError(400, 'A request of a chat must have a message with an id and parts')
  const { role } = last
  if (role !== 'user' && role !== 'assistant')
    throw new RequestError(400, 'The last message of a chat must be of a user or an assistant')
  const edited = role === 'user' && trigger === 'submit-message' && messageId === last['id']
  const anew = trigger === 'regenerate-message' || edited
  return {
    last: only(last, 'id', 'role', 'parts', 'metadata') as unknown as ChatRequest['last'],
    anew,
  }
}
