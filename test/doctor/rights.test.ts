import { deepEqual, doesNotMatch, match } from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { neededRights } from '../../lib/doctor/needed-rights.ts'
import { apply, introduce, refusals, rightsIn, rules, signIn } from '../deploying/acl-rules.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { findingsOn, found } from './findings.ts'

describe('a doctor of rights', () => {
  let server: TestServer
  let admin: Redis
  const look = (options: object = {}) =>
    findingsOn({ host: server.host, port: server.port, ...signIn, ...options })
  const give = async (...words: string[]) => {
    await apply(admin, await rules('base'))
    if (words.length > 0) await apply(admin, [['ACL', 'SETUSER', signIn.username, ...words]])
  }
  before(async () => {
    server = await startRedis()
    admin = server.client()
    await introduce(admin, await rules('base'))
  })
  after(() => server.stop())

  it('asks for those that docs/deploying.md gives', async () => {
    const asked = neededRights({ cluster: true, database: true }).map(({ rule }) => rule)
    const blocks = await rules('base', 'cluster', 'database')
    const given = [
      ...rightsIn(blocks).map((right) => `+${right}`),
      ...blocks.flat().filter((word) => /^[~&]/.test(word)),
    ]
    deepEqual(asked.sort(), given.sort())
    const few = neededRights({ cluster: false, database: false }).map(({ rule }) => rule)
    deepEqual(
      few.filter((rule) => /cluster|select|ask/.test(rule)),
      [],
    )
  })

  it('is content with that user, who may not do all that a doctor would like', async () => {
    const findings = await look()
    found(findings['rights'], 'ok', /memoryware may do all/)
    found(findings['expiry'], 'unknown', /NOPERM/, /\+scan/)
    found(findings['persistence'], 'warning', /Perhaps snapshots/)
    found(findings['version'], 'ok', /Redis/)
  })

  for (const [missing, names] of [
    [['-hset', '-publish'], /lacks \+hset \+publish\./],
    [['resetkeys', '~session:*', '~user:*', '~limit:*'], /lacks ~cache:\* ~sess:\*\./],
    [['resetchannels', '&cache:*'], /lacks &session:\*\./],
    [['-eval'], /\+eval \+evalsha/],
    [['-@all', '+info', '+client|setname'], /\+eval \+evalsha/],
  ] as const) {
    it(`names what is missing: ${missing.join(' ')}`, async () => {
      await give(...missing)
      found((await look())['rights'], 'failure', names, /ACL SETUSER memoryware/)
    })
  }

  it('gives rules that help as they stand', async () => {
    await give('-hset', '-xadd', 'resetkeys', '~session:*', 'resetchannels')
    const fix = (await look())['rights']?.fix ?? ''
    const [, command = ''] = /(ACL SETUSER .*)$/.exec(fix) ?? []
    await apply(admin, [command.split(' ')])
    found((await look())['rights'], 'ok', /may do all/)
  })

  it('asks for keys and channels under the prefix', async () => {
    await apply(admin, await rules('base', 'prefix'))
    found((await look({ prefix: 'app:' }))['rights'], 'ok', /may do all/)
    found((await look({ prefix: 'other:' }))['rights'], 'failure', /lacks/)
  })

  it('says nothing secret where it is refused', async () => {
    const client = server.client()
    await client.call('ACL', 'SETUSER', 'canary', 'reset', 'on', '>hunter-2', '~*', '+info')
    const findings = await look({ username: 'canary', password: 'hunter-2' })
    doesNotMatch(JSON.stringify(findings), /hunter/)
    match(JSON.stringify(findings), /canary/)
  })

  it('runs none of the commands it asks for', async () => {
    await give('+scan', '+config|get', '+select')
    await admin.call('ACL', 'LOG', 'RESET')
    await look({ db: 1 })
    deepEqual(await refusals(admin), [])
    deepEqual(await admin.keys('*'), [])
  })
})
