import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict'
import express from 'express'
import Koa from 'koa'
import { describe, it } from 'mocha'
import { clock } from '../../lib/doctor/clock.ts'
import { embeddedMemory } from '../../lib/doctor/embedded-memory.ts'
import { environment } from '../../lib/doctor/environment.ts'
import { type Finding, ok, warning, worstOf } from '../../lib/doctor/finding.ts'
import { nodeVersion } from '../../lib/doctor/node-version.ts'
import { proxyTrust } from '../../lib/doctor/proxy.ts'
import { replication } from '../../lib/doctor/replication.ts'
import { report } from '../../lib/doctor/report.ts'
import { hiding } from '../../lib/doctor/secrets.ts'
import { serverVersion } from '../../lib/doctor/server-version.ts'
import { diagnose } from '../../lib/doctor.ts'
import { createStore, embeddedProvider } from '../../lib/index.ts'
import { findingsOn, found, troubles } from './findings.ts'

const named = (verdict: Omit<Finding, 'name'>): Finding => ({ name: 'it', ...verdict })

describe('a check', () => {
  it('knows the versions of Node that are supported', () => {
    for (const version of ['20.19.0', '20.20.2', '22.12.0', '23.0.0', '24.1.0'])
      equal(nodeVersion(version).status, 'ok', version)
    for (const version of ['18.20.0', '20.18.3', '21.7.0', '22.11.0'])
      found(named(nodeVersion(version)), 'failure', /not supported/, /20\.19/)
  })

  it('knows the versions of servers that are new enough', () => {
    const of = (version: string) => serverVersion(new Map([['redis_version', version]]))
    for (const version of ['7.0.15', '8.2.1', '10.0.0']) equal(of(version).status, 'ok', version)
    found(named(of('6.2.14')), 'failure', /older than 7/, /Upgrade/)
    const valkey = new Map(Object.entries({ valkey_version: '8.1.0', redis_version: '7.2.4' }))
    found(named(serverVersion(valkey)), 'ok', /Valkey 8\.1\.0/)
    equal(serverVersion(new Map()).status, 'unknown')
  })

  it('compares clocks, and allows for the way there and back', () => {
    const at = (aheadMs: number, tookMs = 2) => ({
      value: { serverMs: 10_000 + tookMs / 2 + aheadMs, sentMs: 10_000, tookMs },
    })
    equal(clock([at(0)]).status, 'ok')
    equal(clock([at(-900)]).status, 'ok')
    equal(clock([at(1900, 2000)]).status, 'ok')
    found(named(clock([at(0), at(5000)])), 'warning', /5\.0 s ahead/, /NTP/)
    found(named(clock([at(-61_000)])), 'warning', /61\.0 s behind/, /NTP/)
    found(named(clock([at(300), at(-400)])), 'warning', /differ by 0\.7 s/, /NTP/)
    equal(clock([{ why: 'NOPERM' }]).status, 'unknown')
  })

  it('wants a replica behind masters that others watch, and bounds on what they lose', () => {
    const info = (fields: object) => new Map(Object.entries({ role: 'master', ...fields }))
    const settings = { why: 'NOPERM' }
    const none = replication(info({ connected_slaves: '0' }), settings, 'cluster')
    found(named(none), 'warning', /no replica/, /REPLICAOF/)
    const loose = replication(info({ connected_slaves: '1' }), settings, 'sentinels')
    found(named(loose), 'warning', /min-replicas-to-write/, /min-replicas-max-lag 10/)
    const bound = info({ connected_slaves: '1', min_slaves_good_slaves: '1' })
    found(named(replication(bound, settings, 'sentinels')), 'ok', /1 replica/)
    equal(replication(new Map(), settings, 'server').status, 'unknown')
  })

  it('finds an application that trusts every proxy', () => {
    const app = express()
    found(named(proxyTrust(app)), 'ok', /is off/)
    app.set('trust proxy', 1)
    found(named(proxyTrust(app)), 'ok', /names/)
    app.set('trust proxy', true)
    found(named(proxyTrust(app)), 'warning', /X-Forwarded-For/, /trust proxy/)
    found(named(proxyTrust(new Koa())), 'ok', /is off/)
    found(named(proxyTrust(new Koa({ proxy: true }))), 'warning', /X-Forw/, /maxIpsCount/)
    found(named(proxyTrust(new Koa({ proxy: true, maxIpsCount: 1 }))), 'ok', /maxIpsCount/)
    const named0 = new Koa({ proxy: true, proxyIpHeader: 'X-Real-IP' })
    found(named(proxyTrust(named0)), 'ok', /X-Real-IP/)
    for (const other of [undefined, null, 5, {}, () => {}])
      found(named(proxyTrust(other)), 'unknown', /no application/, /export default/)
  })

  it('says which variable decides, or that they contradict each other', () => {
    const of = (variables: Record<string, string>) => named(environment(variables).verdict)
    found(of({ REDIS_URL: 'redis://:canary@a' }), 'ok', /^REDIS_URL says/)
    found(of({ REDIS_HOST: 'a', REDIS_PORT: '1' }), 'ok', /^REDIS_HOST, REDIS_PORT say where/)
    found(of({ MEMORY_PROVIDER: 'redis' }), 'ok', /localhost:6379/)
    found(of({ MEMORY_PROVIDER: 'embedded' }), 'ok', /is embedded/)
    const both = { MEMORY_PROVIDER: 'embedded', REDIS_URL: 'redis://a' }
    found(of(both), 'warning', /REDIS_URL is not used/, /MEMORY_PROVIDER/)
    found(of({}), 'warning', /Nothing says/, /REDIS_URL/)
    const conflict = { REDIS_URL: 'redis://:canary@a', REDIS_PASSWORD: 'canary' }
    found(of(conflict), 'failure', /REDIS_URL contradicts REDIS_PASSWORD/, /REDIS_URL/)
    found(of({ REDIS_URL: 'canary:canary@a' }), 'failure', /must be a URL/, /REDIS_URL/)
    for (const variables of [conflict, { REDIS_URL: 'canary:canary@a' }])
      doesNotMatch(JSON.stringify(of(variables)), /canary/)
  })

  it('compares what the embedded provider may keep with what the process may use', () => {
    const memory = { used: 0, peak: 0, max: 64 * 2 ** 20, policy: 'allkeys-lru' }
    equal(embeddedMemory({ memory }, 2 ** 30).status, 'ok')
    found(named(embeddedMemory({ memory }, 2 ** 26)), 'warning', /64 MiB of|64 MiB;/, /maxBytes/)
  })

  it('of several servers tells the worst, and where', () => {
    const at = (address: string, verdict = ok('Good.')) => ({ address, verdict })
    const bad = warning('Bad.', 'Mend it.')
    deepEqual(worstOf([at('a'), at('b')]), ok('Good.'))
    equal(worstOf([at('a'), at('b', bad)]).found, 'On b: Bad.')
    equal(worstOf([at('a', bad), at('b', bad), at('c')]).found, 'On a and 1 more: Bad.')
    equal(worstOf([]).status, 'unknown')
  })
})

describe('a report', () => {
  const findings: Finding[] = [
    { name: 'one', ...ok('Good.') },
    { name: 'other', ...warning('Bad.', 'Mend it.') },
    { name: 'third', status: 'unknown', found: 'Not asked.' },
    { name: 'fourth', status: 'unknown', found: 'Not asked.' },
  ]

  it('is aligned text with a summary, and colours only where they are wanted', () => {
    equal(
      report(findings, { colours: false }),
      [
        'ok       one            Good.',
        'warning  other          Bad.',
        '                        Mend it.',
        'unknown  third, fourth  Not asked.',
        '',
        '0 failures, 1 warning, 1 ok, 2 unknown',
        '',
      ].join('\n'),
    )
    const coloured = report(findings, { colours: true })
    equal(coloured.includes('\u001b[33mwarning\u001b[0m  other'), true)
  })

  it('has no secret in it, wherever it came from', () => {
    const hide = hiding(['a/b', 'a/b/c'])
    const finding = { name: 'x', ...warning('It is a/b/c.', 'Not a/b.') }
    deepEqual(hide(finding), { name: 'x', ...warning('It is ….', 'Not ….') })
  })
})

describe('a doctor of a store without servers', () => {
  it('looks at the memory of the embedded provider', async () => {
    const findings = await findingsOn({ provider: 'embedded' })
    deepEqual(troubles(findings), [])
    deepEqual(Object.keys(findings), ['node', 'connection', 'memory'])
    const large = await findingsOn({ provider: 'embedded', maxBytes: 2 ** 45 })
    found(large['memory'], 'warning', /MiB/, /maxBytes/)
  })

  it('knows nothing of a provider of your own, and looks at the application', async () => {
    const own = { ...embeddedProvider(), name: 'own' }
    const findings = await findingsOn({ provider: own }, { app: express() })
    found(findings['connection'], 'unknown', /provider own/)
    found(findings['proxy'], 'ok', /trust proxy/)
  })

  it('refuses what is no store, and options it does not know', async () => {
    await rejectsWith(diagnose({} as never), /Option `store`/)
    const store = createStore({ provider: 'embedded' })
    await rejectsWith(diagnose(store, { ap: 1 } as never), /diagnose\.ap/)
  })
})

async function rejectsWith(promise: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: Error) => reason,
  )
  match(error?.message ?? '', message)
}
