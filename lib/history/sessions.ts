import { RequestError } from '../errors.ts'
import { ownerKeys, sessionIndex, sessionKeys } from '../keys.ts'
import type { HistoryLog, ListCursor, Listed } from '../ports/history.ts'
import { claim } from './claim.ts'
import type { MemoryRules, MemoryScope } from './scope.ts'
import { exportLines } from './session-export.ts'
import { type SessionInfo, titleOf, toInfo } from './session-info.ts'
import { SessionLog } from './session-log.ts'
import { cursorOf } from './session-pages.ts'

/** A run of items, and where to go on. */
export interface Page<Item, Cursor = number> {
  /** In the order asked for. */
  readonly items: readonly Item[]
  /** Hand it in as `before` for the next page; `undefined` at the end. */
  readonly next: Cursor | undefined
}

/** A user's sessions. */
export interface Sessions {
  /**
   * Last active first; with `q` only those whose title holds it, in letters of any case. A call looks
   * at 1,000 sessions at most, so with `q` a page may be short and not the last.
   *
   * @default limit 20
   */
  list(options?: {
    q?: string
    limit?: number
    before?: string
  }): Promise<Page<SessionInfo, string>>
  /** False when there is no such session of this user. */
  delete(id: string): Promise<boolean>
  /**
   * All sessions as lines of JSON: `{ type: 'session', … }`, then a `{ type: 'message', … }` for each
   * of its messages, oldest first.
   */
  export(): AsyncIterable<string>
  /**
   * Removes all sessions and preferences of this user, and gives how many sessions there were. For
   * five seconds nothing is kept for the user: a write meanwhile is a `StoreError` 409.
   */
  forget(): Promise<number>
  /**
   * Moves what the guest of this request's cookie has said to the signed-in user, and gives how many
   * sessions that were: 0 where there is no guest. Called again, or after a crash halfway, it comes to
   * the same. A session that both have becomes a second one of the user. An answer that the guest is
   * being given meanwhile is lost.
   *
   * Whoever has put a cookie of their own into this browser, from a neighbouring subdomain say, hands
   * the user their conversations and preferences with it: ask first where that matters.
   *
   * @throws UsageError when nobody is signed in.
   */
  claim(): Promise<number>
}

const longestPage = 1000
const mostLookedAt = 1000
const longestQuery = 200
const lookedAtOnce = 100

/** The sessions of a request's user. */
export function sessionsOf(rules: MemoryRules, scope: MemoryScope): Sessions {
  const { history, continuation } = rules
  const call = { deadline: scope.deadline }
  const index = sessionIndex(scope.owner)
  return {
    async list({ q, limit = 20, before } = {}) {
      const count = bounded('limit', limit)
      const after = before === undefined ? undefined : cursor(before)
      const found =
        q === undefined
          ? await all(history, index, count, after, call)
          : await search({ history, index, call }, titled(scope, q), count, after)
      return {
        items: found.listed.map((each) => toInfo(each, scope.codec)),
        next: found.next && `${found.next.at}:${found.next.id}`,
      }
    },
    delete: async (id) =>
      new SessionLog(rules, scope, sessionKeys(scope.owner, scope.encodeSession(id))).remove(),
    export: async function* () {
      // What is still in this process would be missing.
      for (const keys of continuation.of(index))
        await new SessionLog(rules, scope, keys).ask(async () => {})
      yield* exportLines(rules, scope)
    },
    async forget() {
      const forgotten = await history.forget(ownerKeys(scope.owner), call)
      // What comes from other processes meanwhile meets the tombstone.
      for (const keys of continuation.of(index)) continuation.forget(keys)
      return forgotten
    },
    claim: () => claim(rules, scope),
  }
}

/** A run of sessions, and after which one to go on. */
interface Run {
  readonly listed: readonly Listed[]
  readonly next: ListCursor | undefined
}

type Call = { readonly deadline: MemoryScope['deadline'] }

async function all(
  history: HistoryLog,
  index: string,
  limit: number,
  after: ListCursor | undefined,
  call: Call,
): Promise<Run> {
  const listed = await history.list(index, { limit, after }, call)
  const last = listed.length === limit ? listed.at(-1) : undefined
  return { listed, next: last && cursorOf(last) }
}

async function search(
  { history, index, call }: { history: HistoryLog; index: string; call: Call },
  fits: (session: Listed) => boolean,
  limit: number,
  from: ListCursor | undefined,
): Promise<Run> {
  const listed: Listed[] = []
  let after = from
  for (let looked = 0; looked < mostLookedAt; looked += lookedAtOnce) {
    const page = await history.list(index, { limit: lookedAtOnce, after }, call)
    for (const session of page) {
      after = cursorOf(session)
      if (fits(session)) listed.push(session)
      if (listed.length === limit) return { listed, next: after }
    }
    if (page.length < lookedAtOnce) return { listed, next: undefined }
  }
  return { listed, next: after }
}

function titled({ codec }: MemoryScope, q: string): (session: Listed) => boolean {
  if (typeof q !== 'string' || q.length > longestQuery)
    throw new RequestError(400, `q must be text of at most ${longestQuery} characters`)
  const sought = folded(q)
  return ({ meta }) => folded(titleOf(meta, codec) ?? '').includes(sought)
}

function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim()
}

/** A number of items, as a client may have asked for. @throws RequestError 400 */
export function bounded(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return Math.min(value, longestPage)
  throw new RequestError(400, `${option} must be a whole number above 0`)
}

function cursor(before: string): ListCursor {
  const [, at, id] = /^(\d{1,15}):([\w.@%~-]{1,400})$/.exec(before) ?? []
  if (at === undefined || id === undefined)
    throw new RequestError(400, 'before must be what `next` of a page was')
  return { at: Number(at), id }
}
