import type { TestServer } from '../test/support/redis.ts'

/** Gives a stack back what it began with. */
export type Restore = () => Promise<void>

/** How many databases the Redis of a run has: one for each stack of a route, and its spare. */
export const databases = 32

/** Databases from here on hold what those below began with. */
const firstSpare = databases / 2

/**
 * Keeps a copy of a database in another one, as it is now. Histories grow while they are measured:
 * with this every slice of every stack begins with the same ones, whatever form a stack gives them.
 */
export async function keepOpening(server: TestServer, database: number): Promise<Restore> {
  if (database >= firstSpare) throw new Error(`There is no spare for database ${database}`)
  const live = server.client({ db: database })
  const spare = server.client({ db: database + firstSpare })
  const names = await copyAll(live, database + firstSpare)
  return async () => {
    await live.flushdb()
    await copy(spare, names, database)
  }
}

type Client = ReturnType<TestServer['client']>

async function copyAll(from: Client, to: number): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  for await (const keys of from.scanStream({ count: 1000 }))
    for (const key of keys as string[]) names.add(key)
  await copy(from, names, to)
  return names
}

async function copy(from: Client, names: ReadonlySet<string>, to: number): Promise<void> {
  const pipeline = from.pipeline()
  for (const name of names) pipeline.copy(name, name, 'DB', to)
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error
}
