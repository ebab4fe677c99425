import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'mocha'
import { parse } from 'yaml'
import { startRedis } from './support/redis.ts'
import { root } from './support/source-files.ts'

interface Service {
  readonly image: string
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly ports: readonly string[]
  readonly volumes: readonly string[]
  readonly healthcheck: { readonly test: readonly string[] }
}

describe('docker-compose.yml', () => {
  let redis: Service
  let volumes: object
  before(async () => {
    const file = parse(await readFile(join(root, 'docker-compose.yml'), 'utf8'))
    redis = file.services.redis
    volumes = file.volumes
  })

  it('runs a Redis 7 of a fixed minor version, on Alpine', () => {
    assert.match(redis.image, /^redis:7\.\d+(\.\d+)?-alpine$/)
  })

  it('does not start without a password, and asks clients for it', () => {
    assert.match(setting(redis.command, '--requirepass'), /^\$\{REDIS_PASSWORD:\?.+\}$/)
    assert.match(redis.environment['REDISCLI_AUTH'] ?? '', /^\$\{REDIS_PASSWORD:\?.+\}$/)
  })

  it('writes every change to disk within a second, into a named volume', () => {
    assert.equal(setting(redis.command, '--appendonly'), 'yes')
    assert.equal(setting(redis.command, '--appendfsync'), 'everysec')
    const [name = '', folder] = redis.volumes[0]?.split(':') ?? []
    assert.ok(Object.hasOwn(volumes, name), `${name} is not a named volume`)
    assert.equal(folder, '/data')
  })

  it('drops nothing when it is full', () => {
    assert.equal(setting(redis.command, '--maxmemory-policy'), 'noeviction')
    assert.notEqual(setting(redis.command, '--maxmemory'), '')
  })

  it('is published on the loopback address only', () => {
    assert.equal(redis.ports.length, 1)
    for (const port of redis.ports) assert.match(port, /^127\.0\.0\.1:/)
  })

  it('is healthy when it answers', () => {
    assert.match(redis.healthcheck.test.join(' '), /^CMD-SHELL redis-cli ping \| grep -q PONG$/)
  })

  it('has settings that Redis takes', async () => {
    const [program, ...args] = redis.command.map((word) => word.replace(/\$\{\w+:[-?](.*)\}/, '$1'))
    assert.equal(program, 'redis-server')
    const server = await startRedis({ args, password: setting(args, '--requirepass') })
    const [, policy] = (await server.client().config('GET', 'maxmemory-policy')) as string[]
    assert.equal(policy, 'noeviction')
    await server.stop()
  })
})

function setting(words: readonly string[], name: string): string {
  const at = words.indexOf(name)
  return at === -1 ? '' : (words[at + 1] ?? '')
}
