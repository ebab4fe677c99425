import { type Client, isCluster } from './open-client.ts'

/** A command by the name of the client's method, and its arguments. */
export type Step = readonly [name: string, ...args: (string | number | Buffer)[]]

/** What became of one step. */
export type Settled = readonly [error: Error | null, reply: unknown]

/**
 * Sends steps without waiting between them, each with an outcome of its own, in order.
 *
 * In one write where there is one server. On a Cluster each goes by itself: the driver leads a
 * single command to where its slot has moved, but gives up on a pipeline.
 */
export async function settledTogether(client: Client, steps: readonly Step[]): Promise<Settled[]> {
  if (!isCluster(client)) {
    const settled = await client.pipeline(steps.map((step) => [...step])).exec()
    return settled ?? []
  }
  const named = client as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  return Promise.all(
    steps.map(async ([name, ...args]): Promise<Settled> => {
      try {
        return [null, await named[name]?.(...args)]
      } catch (error) {
        return [error as Error, undefined]
      }
    }),
  )
}

/** The replies of all steps. @throws the first error. */
export async function together(client: Client, steps: readonly Step[]): Promise<unknown[]> {
  const settled = await settledTogether(client, steps)
  return settled.map(([error, reply]) => {
    if (error) throw error
    return reply
  })
}
