import { deepEqual, equal, ok } from 'node:assert/strict'
import { it } from 'mocha'
import { type Job, type Queue, tenantLimits, work } from '../../examples/samples/43-job-worker.ts'
import { onEachProvider } from './on-each.ts'

interface PutOff extends Job {
  readonly seconds: number
}

/** Hands out these jobs, and keeps what is put off. */
function queueOf(...jobs: Job[]): Queue & { readonly putOff: PutOff[] } {
  const putOff: PutOff[] = []
  return {
    putOff,
    take: async () => jobs.shift(),
    later: async (job, seconds) => void putOff.push({ ...job, seconds }),
  }
}

const job = (characters: number, tenant = 'acme'): Job => ({ tenant, text: 'x'.repeat(characters) })

onEachProvider('43-job-worker', ({ store }) => {
  it('settles what a job used', async () => {
    const limiter = tenantLimits(await store())
    await work(queueOf(job(300), job(300)), limiter, async () => 70)
    const { limits } = await limiter.peek('acme', { cost: 0 })
    equal(limits['tokens']?.used, 140)
    equal(limits['jobs']?.used, 2)
    equal(limits['running']?.used, 0)
  })

  it('puts off the jobs of a tenant that has used up its tokens, and of no other', async () => {
    const limiter = tenantLimits(await store())
    const queue = queueOf(job(90_000), job(90_000), job(90_000, 'other'))
    const embedded: number[] = []
    await work(queue, limiter, async (text) => embedded.push(text.length) && 30_000)
    equal(embedded.length, 2)
    deepEqual(
      queue.putOff.map(({ tenant }) => tenant),
      ['acme'],
    )
    ok(Number(queue.putOff[0]?.seconds) > 60)
  })

  it('takes no tokens for a job that failed', async () => {
    const limiter = tenantLimits(await store())
    const queue = queueOf(job(300))
    await work(queue, limiter, async () => {
      throw new Error('The model is away')
    })
    const { limits } = await limiter.peek('acme', { cost: 0 })
    equal(limits['tokens']?.used, 0)
    equal(limits['running']?.used, 0)
    equal(queue.putOff.length, 1)
  })

  it('gives up a job that never fits', async () => {
    const queue = queueOf(job(300_000))
    await work(queue, tenantLimits(await store()), async () => 1)
    deepEqual(queue.putOff, [])
  })

  it('runs two jobs of a tenant at a time, over all workers', async () => {
    const limiter = tenantLimits(await store())
    let running = 0
    let most = 0
    const queue = queueOf(...Array.from({ length: 6 }, () => job(30)))
    const embed = async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return 10
    }
    await Promise.all([1, 2, 3].map(() => work(queue, limiter, embed)))
    ok(most <= 2)
  })
})
