import { type Argument, command } from './command.ts'
import { type Client, isCluster } from './open-client.ts'

/** A command by the name of the client's method, and its arguments. */
export type Step = readonly [name: string, ...args: Argument[]]

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
  return Promise.all(
    steps.map(async (step): Promise<Settled> => {
      try {
        return [null, await sent(client, step)]
      } catch (error) {
        return [error as Error, undefined]
      }
    }),
  )
}

/**
 * The replies of a few steps, each sent by itself in the same turn: they leave in one write where the
 * socket gathers what is written, and cost half of what a pipeline does.
 *
 * @throws the first error.
 */
export function each(client: Client, steps: readonly Step[]): Promise<unknown[]> {
  return Promise.all(steps.map((step) => sent(client, step)))
}

function sent(client: Client, step: Step): Promise<unknown> {
  // Not taken apart by an iterator, which takes several times as long.
  return command(client, step[0], step.slice(1))
}

/** The replies of all steps. @throws the first error. */
export async function together(client: Client, steps: readonly Step[]): Promise<unknown[]> {
  const settled = await settledTogether(client, steps)
  return settled.map(([error, reply]) => {
    if (error) throw error
    return reply
  })
}
