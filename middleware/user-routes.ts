import type { SessionInfo } from '../lib/history/session-info.ts'
import type { Page } from '../lib/history/sessions.ts'
import { numberOf, type Visit } from './memory-visit.ts'
import { attachment, type Route } from './session-routes.ts'

/** What can be done with all sessions of a user. */
export const userRoute: Route = {
  GET: async (visit) => ({ status: 200, json: await list(visit) }),
  DELETE: async ({ memory }) => ({
    status: 200,
    json: { removed: await memory.sessions.forget() },
  }),
}

/** What can be done beside the sessions, by the word that stands in the place of an id. */
export const wordRoutes: Readonly<Record<string, Route>> = {
  export: {
    GET: (visit) => attachment('sessions.jsonl', visit.memory.sessions.export(), visit),
  },
  preferences: {
    GET: async ({ memory }) => ({ status: 200, json: await memory.preferences.all() }),
    PATCH: async ({ memory, body }) => {
      // As a merge patch (RFC 7396) has it: `null` removes.
      const given = Object.entries(await body()).map(
        ([name, value]) => [name, value === null ? undefined : value] as const,
      )
      await memory.preferences.set(Object.fromEntries(given))
      return { status: 200, json: await memory.preferences.all() }
    },
  },
}

function list(visit: Visit): Promise<Page<SessionInfo, string>> {
  const { query, memory } = visit
  const q = query.get('q')
  const before = query.get('before')
  const limit = numberOf(visit, 'limit')
  return memory.sessions.list({
    ...(q === null ? {} : { q }),
    ...(before === null ? {} : { before }),
    ...(limit === undefined ? {} : { limit }),
  })
}
