import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { configFromEnv } from '../../lib/index.ts'

describe('configFromEnv', () => {
  const defaults = { provider: 'embedded', chosen: false, sessionTtl: 3600, maxHistoryLength: 20 }

  it('is the embedded provider where nothing is set, or set to nothing', () => {
    assert.deepEqual(configFromEnv({}), defaults)
    assert.deepEqual(configFromEnv({ REDIS_URL: '', SESSION_TTL: '' }), defaults)
  })

  it('is Redis where a URL or a host is set', () => {
    const url = 'redis://:pw@host:6380/2'
    assert.deepEqual(configFromEnv({ REDIS_URL: url }), { ...defaults, provider: 'redis', url })
    const env = { REDIS_HOST: 'h', REDIS_PORT: '6380', REDIS_DB: '0', REDIS_PASSWORD: 'pw' }
    const address = { host: 'h', port: 6380, db: 0, password: 'pw' }
    assert.deepEqual(configFromEnv(env), { ...defaults, provider: 'redis', ...address })
  })

  it('is Redis on this machine where only a part of its address is set', () => {
    assert.equal(configFromEnv({ REDIS_PORT: '6380' }).provider, 'redis')
  })

  it('is a Cluster, or what Sentinels know, where these are listed', () => {
    const redis = { ...defaults, provider: 'redis' }
    const cluster = ['a:7000', '[::1]:7001', 'rediss://c:7002']
    const clusterEnv = { REDIS_CLUSTER_NODES: cluster.join(', '), REDIS_PASSWORD: 'pw' }
    assert.deepEqual(configFromEnv(clusterEnv), { ...redis, cluster, password: 'pw' })
    const sentinels = {
      nodes: ['s1', 's2:26379'],
      name: 'main',
      username: 'watcher',
      password: 'spw',
    }
    const env = {
      REDIS_SENTINELS: 's1,s2:26379',
      REDIS_SENTINEL_NAME: 'main',
      REDIS_SENTINEL_USERNAME: 'watcher',
      REDIS_SENTINEL_PASSWORD: 'spw',
      REDIS_DB: '2',
    }
    assert.deepEqual(configFromEnv(env), { ...redis, sentinels, db: 2 })
  })

  it('can be told to stay in this process', () => {
    const env = { MEMORY_PROVIDER: 'embedded', REDIS_URL: 'redis://h' }
    assert.equal(configFromEnv(env).provider, 'embedded')
  })

  it('reads the defaults of sessions', () => {
    const env = { SESSION_TTL: '15m', MAX_HISTORY_LENGTH: '8' }
    assert.deepEqual(configFromEnv(env), { ...defaults, sessionTtl: '15m', maxHistoryLength: 8 })
    assert.equal(configFromEnv({ SESSION_TTL: '90' }).sessionTtl, 90)
  })

  for (const [env, message] of [
    [{ REDIS_URL: 'redis://h', REDIS_HOST: 'h' }, /REDIS_URL contradicts REDIS_HOST/],
    [{ REDIS_URL: 'redis://h', REDIS_DB: '1' }, /REDIS_URL contradicts REDIS_DB/],
    [{ REDIS_URL: 'localhost' }, /REDIS_URL must be a URL/],
    [{ REDIS_URL: 'redis://h/abc' }, /REDIS_URL must be a URL/],
    [{ REDIS_URL: 'redis://h?db=abc' }, /REDIS_URL must be a URL/],
    [{ REDIS_URL: 'redis://h', REDIS_CLUSTER_NODES: 'h' }, /REDIS_URL contradicts REDIS_CLUSTER/],
    [{ REDIS_CLUSTER_NODES: 'h', REDIS_DB: '1' }, /REDIS_CLUSTER_NODES contradicts REDIS_DB/],
    [{ REDIS_SENTINELS: 's', REDIS_HOST: 'h' }, /REDIS_SENTINELS contradicts REDIS_HOST/],
    [{ REDIS_CLUSTER_NODES: 'a:1,' }, /REDIS_CLUSTER_NODES must be addresses such as host:6379/],
    [{ REDIS_SENTINELS: 'redis://u:p@s' }, /REDIS_SENTINELS must be addresses/],
    [{ MAX_HISTORY_LENGTH: '1001' }, /MAX_HISTORY_LENGTH must be a whole number from 1 to 1000/],
    [
      { REDIS_HOST: 'h', REDIS_PORT: '0' },
      /REDIS_PORT must be a whole number from 1 to 65535, got "0"/,
    ],
    [{ REDIS_HOST: 'h', REDIS_PORT: '6379x' }, /REDIS_PORT must be a whole number/],
    [{ REDIS_HOST: 'h', REDIS_DB: '-1' }, /REDIS_DB must be a whole number/],
    [{ MEMORY_PROVIDER: 'memory' }, /MEMORY_PROVIDER must be redis or embedded, got "memory"/],
    [{ SESSION_TTL: 'soon' }, /SESSION_TTL must be a duration above 0/],
    [{ SESSION_TTL: '0' }, /SESSION_TTL must be a duration above 0/],
    [{ MAX_HISTORY_LENGTH: '2.5' }, /MAX_HISTORY_LENGTH must be a whole number/],
    [{ REDIS_TLS_CA_FILE: '/nowhere/ca.pem' }, /REDIS_TLS_CA_FILE cannot be read/],
  ] as const) {
    it(`refuses ${JSON.stringify(env)}, naming the variable`, () => {
      assert.throws(
        () => configFromEnv(env),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'ERR_ENV')
          assert.match(error.message, message)
          return true
        },
      )
    })
  }
})
