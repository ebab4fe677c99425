import { RequestError } from '../errors.ts'
import { decodeId, type SessionKeys, sessionKeys } from '../keys.ts'
import type { ReadResult } from '../ports/history.ts'
import { takeAhead } from './ahead.ts'
import { boundsOf, kept, titleOf } from './bounds.ts'
import { type Context, contextOf, type Forms, wholeContextOf } from './context.ts'
import { type ConversationTurns, conversationTurns } from './conversation-turns.ts'
import { detachable } from './detachable.ts'
import { afterAppend } from './growth.ts'
import type { AppendResult, ContextRequest, Memory } from './memory.ts'
import { type AnyMessage, type StoredMessage, toEntry, toMessage } from './message.ts'
import { checkRev, conflict, forgotten } from './refusal.ts'
import { runnerOf } from './runner.ts'
import type { MemoryRules, MemoryScope } from './scope.ts'
import type { SessionInfo } from './session-info.ts'
import { SessionLog } from './session-log.ts'
import { type SessionMembers, sessionMembers } from './session-members.ts'
import { bounded, type Page, type Sessions, sessionsOf } from './sessions.ts'
import type { TypedHash } from './typed-hash.ts'

const longestAppend = 10_000

const forms: Readonly<Record<keyof Forms, true>> = {
  raw: true,
  openai: true,
  'openai-responses': true,
  anthropic: true,
  'ai-sdk': true,
}

/** The conversation `id` of a request's user. */
export function openMemory(rules: MemoryRules, scope: MemoryScope, id: string): Memory {
  return new OpenMemory(rules, scope, scope.encodeSession(id))
}

/** Made for each request: what most requests do not use is made when it is asked for. */
class OpenMemory implements Memory {
  readonly user: string
  readonly id: string
  readonly #rules: MemoryRules
  readonly #scope: MemoryScope
  readonly #keys: SessionKeys
  readonly #log: SessionLog
  #turns: ConversationTurns | undefined
  #members: SessionMembers | undefined
  #sessions: Sessions | undefined

  constructor(rules: MemoryRules, scope: MemoryScope, encoded: string) {
    this.user = scope.user
    this.id = decodeId(encoded)
    this.#rules = rules
    this.#scope = scope
    this.#keys = sessionKeys(scope.owner, encoded)
    this.#log = new SessionLog(rules, scope, this.#keys)
  }

  get degraded(): boolean {
    return this.#scope.degraded
  }

  async append(
    given: AnyMessage | readonly AnyMessage[],
    { ifRev }: { ifRev?: number } = {},
  ): Promise<AppendResult> {
    const rules = this.#rules
    const { codec } = this.#scope
    const messages: readonly AnyMessage[] = isList(given) ? given : [given]
    checkRev(ifRev)
    checkCount(messages, rules)
    const entries = messages.map((message) => toEntry(message, rules, codec))
    const bounds = boundsOf(rules, codec, titleOf(messages, entries), ifRev)
    this.#scope.ahead = undefined
    const { result, degraded } = await this.#log.append(entries, bounds)
    if (result.kind === 'conflict') throw conflict('append', result.rev, ifRev)
    if (result.kind === 'forgotten') throw forgotten('append')
    const { rev, seq, added, duplicates, trimmed } = result
    if (!degraded) afterAppend(rules, codec, this.#keys, { seq, added, entries })
    return { rev, seq, added, duplicates, trimmed, degraded }
  }

  async history({
    before,
    limit = 50,
  }: {
    before?: number
    limit?: number
  } = {}): Promise<Page<StoredMessage>> {
    const { meta, entries } = await this.#log.read(bounded('limit', limit), position(before))
    const first = entries[0]?.seq
    const oldest = meta && meta.seq - meta.length + 1
    const more = first !== undefined && oldest !== undefined && first > oldest
    return {
      items: entries.map((entry) => toMessage(entry, this.#scope.codec)),
      next: more ? first : undefined,
    }
  }

  context<As extends keyof Forms = 'raw'>(options?: ContextRequest<As>): Promise<Context<As>> {
    return this.#contextFrom(undefined, options)
  }

  /** The context, of what the beginning of a turn has read, where that is enough. */
  async #contextFrom<As extends keyof Forms>(
    known: ReadResult | undefined,
    options: ContextRequest<As> = {},
  ): Promise<Context<As>> {
    const { maxStored, window, count } = this.#rules
    const { codec } = this.#scope
    const { messages = window.messages, tokens = window.tokens, as } = options
    const size = { messages: bounded('messages', messages), tokens, count }
    const form = as ?? ('raw' as As)
    if (!Object.hasOwn(forms, form))
      throw new RequestError(400, `as must be one of ${Object.keys(forms).join(', ')}`)
    const there = known ?? (await takeAhead(this.#scope, this.#keys))
    const read = reaching(there, size.messages) ?? (await this.#log.read(size.messages))
    const found = contextOf(read, codec, size, form)
    // The newest turn is longer than the window; alone it may take twice what is stored.
    return found ?? wholeContextOf(await this.#log.read(2 * maxStored), codec, size, form)
  }

  open(other: string): Memory {
    return openMemory(this.#rules, this.#scope, other)
  }

  delete(): Promise<boolean> {
    this.#scope.ahead = undefined
    return this.#log.remove()
  }

  turn(...given: Parameters<Memory['turn']>): ReturnType<Memory['turn']> {
    return this.#conversationTurns.turn(...given)
  }

  resume(...given: Parameters<Memory['resume']>): ReturnType<Memory['resume']> {
    return this.#conversationTurns.resume(...given)
  }

  stop(message?: string): Promise<boolean> {
    return this.#conversationTurns.stop(message)
  }

  info(): Promise<SessionInfo | undefined> {
    return this.#sessionMembers.info()
  }

  set(...given: Parameters<Memory['set']>): Promise<void> {
    return this.#sessionMembers.set(...given)
  }

  update(...given: Parameters<Memory['update']>): Promise<boolean> {
    return this.#sessionMembers.update(...given)
  }

  rewind(...given: Parameters<Memory['rewind']>): Promise<number> {
    return this.#sessionMembers.rewind(...given)
  }

  fork(at?: string): Promise<Memory> {
    return this.#sessionMembers.fork(at)
  }

  export(): AsyncIterable<string> {
    return this.#sessionMembers.export()
  }

  get state(): TypedHash {
    return this.#sessionMembers.state
  }

  get preferences(): TypedHash {
    return this.#sessionMembers.preferences
  }

  get sessions(): Sessions {
    this.#sessions ??= sessionsOf(this.#rules, this.#scope)
    return this.#sessions
  }

  get #conversationTurns(): ConversationTurns {
    this.#scope.ahead = undefined
    this.#turns ??= conversationTurns(
      {
        rules: this.#rules,
        scope: this.#scope,
        keys: this.#keys,
        runner: runnerOf(this.#rules.turns),
      },
      (read) => (options) => this.#contextFrom(read, options),
    )
    return this.#turns
  }

  get #sessionMembers(): SessionMembers {
    this.#scope.ahead = undefined
    this.#members ??= sessionMembers(this.#rules, this.#scope, this.#keys, this.#log, (other) =>
      this.open(other),
    )
    return this.#members
  }
}

detachable(OpenMemory)

/** `Array.isArray()` does not tell a list that cannot be written to. */
function isList(given: AnyMessage | readonly AnyMessage[]): given is readonly AnyMessage[] {
  return Array.isArray(given)
}

/** More would be trimmed by the append itself, and come again when it is repeated. @throws RequestError 413 */
function checkCount({ length }: readonly AnyMessage[], rules: MemoryRules): void {
  const most = Math.min(kept(rules), longestAppend)
  if (length > most)
    throw new RequestError(413, `An append must be at most ${most} messages, got ${length}`)
}

/** What was read already, where that is enough for so many messages. */
function reaching(read: ReadResult | undefined, messages: number): ReadResult | undefined {
  if (read === undefined) return undefined
  const { entries, meta } = read
  const all = meta === undefined || entries.length === meta.length
  if (!all && entries.length < messages) return undefined
  return { meta, entries: entries.slice(-messages) }
}

function position(before: number | undefined): number | undefined {
  if (before === undefined || (Number.isSafeInteger(before) && before >= 1)) return before
  throw new RequestError(400, 'before must be what `next` of a page was')
}
