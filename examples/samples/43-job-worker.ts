import type { Limiter, Store } from 'memoryware'
import { rateLimit } from 'memoryware/express'

/** A document of a tenant that is to be embedded. */
export interface Job {
  readonly tenant: string
  readonly text: string
}

/** Any queue that can put a job off. */
export interface Queue {
  /** The next job that is due; `undefined` where there is none. */
  take(): Promise<Job | undefined>
  later(job: Job, seconds: number): Promise<void>
}

/** Embeds a text; gives the tokens that were used. */
export type Embed = (text: string) => Promise<number>

/** What a tenant may use, whichever worker does it. */
export function tenantLimits(store: Store): Limiter<never> {
  return rateLimit({
    store,
    limits: [
      { name: 'jobs', limit: 100, window: '1m' },
      { name: 'tokens', limit: 50_000, window: '1h', unit: 'tokens' },
      { name: 'running', algorithm: 'concurrency', limit: 2 },
    ],
  })
}

/** Works off what is due; puts off jobs of tenants that have used up what they have. */
export async function work(queue: Queue, limiter: Limiter<never>, embed: Embed): Promise<void> {
  for (;;) {
    const job = await queue.take()
    if (job === undefined) return
    const limit = await limiter.check(job.tenant, { cost: Math.ceil(job.text.length / 3) })
    if (!limit.allowed) {
      // Without a time it never fits, however long it waits.
      if (limit.retryAfter !== undefined) await queue.later(job, limit.retryAfter)
      continue
    }
    try {
      await limit.settle({ tokens: await embed(job.text) })
    } catch {
      await queue.later(job, 30)
    } finally {
      // Frees the slot; tokens that were not settled, since the job failed, come back.
      await limit.release()
    }
  }
}
