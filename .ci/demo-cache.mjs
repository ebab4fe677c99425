import { setTimeout as wait } from 'node:timers/promises'

/** Has the cache say each of its statuses, and why. */
export async function watchCache(visitor, { check, expect }) {
  await check('it answers twenty at once by one run of the handler', async () => {
    const asked = await Promise.all(Array.from({ length: 20 }, () => visitor.watch('twenty')))
    const collapsed = asked.filter(({ said }) => said === 'fwd=miss; collapsed')
    const runs = new Set(asked.map(({ run }) => run))
    expect(collapsed.length === 19 && runs.size === 1, asked)
    expect(asked.filter(({ said }) => said === 'fwd=miss; stored').length === 1, asked)
  })
  await check(
    'it says miss, hit and stale, and has the new answer behind the stale one',
    async () => {
      const miss = await visitor.watch('life')
      const hit = await visitor.watch('life')
      expect(miss.said === 'fwd=miss; stored' && /^hit; ttl=\d+$/.test(hit.said), { miss, hit })
      const stale = await watchUntil(visitor, /detail=/)
      expect(/^hit; ttl=-\d+; detail=revalidating$/.test(stale.said), stale)
      expect(hit.run === miss.run && stale.run === miss.run, { miss, hit, stale })
      const next = await watchUntil(visitor, /^hit; ttl=\d+$/)
      expect(next.run > miss.run, { miss, next })
    },
  )
  await check('it says why it bypasses the cache', async () => {
    const reasons = {
      'no-store': { 'cache-control': 'no-store' },
      authorization: { authorization: 'Bearer somebody' },
      cookie: { cookie: 'theirs=1' },
    }
    for (const [reason, headers] of Object.entries(reasons)) {
      const { said } = await visitor.watch('life', headers)
      expect(said === `fwd=bypass; detail=${reason}`, { reason, said })
    }
  })
  await check('it misses again after a purge by tag', async () => {
    await visitor.watch('purged')
    const kept = await visitor.watch('purged')
    const { status } = await visitor.send('/cached', { method: 'DELETE' })
    const purged = await visitor.watch('purged')
    expect(status === 204 && /^hit/.test(kept.said), { status, kept })
    expect(purged.said === 'fwd=miss; stored', purged)
  })
}

async function watchUntil(visitor, wanted) {
  for (let tries = 0; ; tries += 1) {
    const told = await visitor.watch('life')
    if (wanted.test(told.said) || tries === 40) return told
    await wait(200)
  }
}
