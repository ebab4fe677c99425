import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'mocha'
import { connect } from '../../lib/providers/redis/connection.ts'
import { openClient } from '../../lib/providers/redis/open-client.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis } from '../support/redis.ts'

describe('a connection whose driver has ended', () => {
  it('begins anew until it is closed', async () => {
    const server = await startRedis()
    const client = openClient({ url: server.url }, 'commands')
    const connection = connect(client, { owned: true })
    const ping = () => connection.send('ping', (own) => own.ping(), { again: false })
    assert.equal(await ping(), 'PONG')
    // As a failover does that is told of while the driver connects.
    client.disconnect()
    await once(client, 'end')
    assert.equal(await eventually('it answers', ping, { withinMs: 2000 }), 'PONG')
    const over = once(client, 'end')
    await connection.close()
    await over
    await assert.rejects(ping(), { outcome: 'not-sent' })
    assert.equal(client.status, 'end')
    await server.stop()
  })
})
