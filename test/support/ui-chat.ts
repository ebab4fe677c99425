import { AbstractChat, type ChatInit, DefaultChatTransport, type UIMessage } from 'ai'

/** How a browser reaches its chat. */
export interface UiChatOptions extends Pick<ChatInit<UIMessage>, 'sendAutomaticallyWhen'> {
  readonly id: string
  readonly transport: ConstructorParameters<typeof DefaultChatTransport<UIMessage>>[0]
  readonly messages?: UIMessage[]
}

/** A chat as `useChat` has it in a browser, without a page. */
export class UiChat extends AbstractChat<UIMessage> {
  constructor({ id, transport, messages = [], ...options }: UiChatOptions) {
    const state = {
      status: 'ready' as const,
      error: undefined,
      messages,
      pushMessage(message: UIMessage) {
        state.messages = [...state.messages, message]
      },
      popMessage() {
        state.messages = state.messages.slice(0, -1)
      },
      replaceMessage(at: number, message: UIMessage) {
        state.messages = state.messages.with(at, structuredClone(message))
      },
      snapshot: <T>(thing: T): T => structuredClone(thing),
    }
    super({ id, state, transport: new DefaultChatTransport<UIMessage>(transport), ...options })
  }

  /** What each message says and calls, for tests. */
  get told(): string[] {
    return tell(this.messages)
  }
}

/** What messages say and call, a line each. */
export function tell(messages: readonly UIMessage[]): string[] {
  return messages.map(({ role, parts }) => {
    const said = parts.flatMap((part) => {
      if (part.type === 'text') return [part.text]
      return 'toolCallId' in part ? [`${part.type}:${part.state}`] : []
    })
    return `${role}: ${said.join(' ')}`
  })
}
