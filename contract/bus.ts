import assert from 'node:assert/strict'
import type { PubSub } from '../lib/ports/pub-sub.ts'
import { eventually, pause } from './expectations.ts'
import { fresh } from './names.ts'
import type { It, Suite } from './suite.ts'

/** What messages must do, on every provider that has them. */
export function busContract({ open, describe, it }: Suite): void {
  const bus = (): PubSub => {
    const found = open().bus
    assert.ok(found, 'the provider has no bus: name it in `without`')
    return found
  }
  describe('messages', () => heard(bus, it))
  describe('messages that are not for everybody', () => unheard(bus, it))
}

function heard(bus: () => PubSub, it: It): void {
  it('reach whoever listens, in order', async () => {
    const channel = fresh('channel')
    const got: number[] = []
    const leave = await bus().subscribe(channel, (message) => got.push(Number(message)))
    const said = Array.from({ length: 50 }, (_, at) => at)
    for (const number of said) await bus().publish(channel, Buffer.from(String(number)))
    await eventually(async () => got.length >= said.length)
    assert.deepEqual(got, said)
    await leave()
  })

  it('reach every listener once, also the same one twice', async () => {
    const channel = fresh('channel')
    const got: string[] = []
    const same = (message: Buffer) => void got.push(String(message))
    const leaves = [
      await bus().subscribe(channel, same),
      await bus().subscribe(channel, same),
      await bus().subscribe(channel, (message) => got.push(`other ${message}`)),
    ]
    await bus().publish(channel, Buffer.from('x'))
    await eventually(async () => got.length >= 3)
    assert.deepEqual(got.sort(), ['other x', 'x', 'x'])
    for (const leave of leaves) await leave()
  })

  it('are bytes', async () => {
    const channel = fresh('channel')
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const got: Buffer[] = []
    const leave = await bus().subscribe(channel, (message) => got.push(message))
    await bus().publish(channel, bytes)
    await eventually(async () => got.length > 0)
    assert.deepEqual(got, [bytes])
    await leave()
  })
}

function unheard(bus: () => PubSub, it: It): void {
  it('reach nobody who has left, and nobody on another channel', async () => {
    const [channel, other] = [fresh('channel'), fresh('channel')]
    const got: string[] = []
    const leave = await bus().subscribe(channel, () => got.push('left'))
    const leaveOther = await bus().subscribe(other, (message) => got.push(String(message)))
    await leave()
    await leave()
    await bus().publish(channel, Buffer.from('nobody'))
    await bus().publish(other, Buffer.from('somebody'))
    await eventually(async () => got.length > 0)
    await pause(20)
    assert.deepEqual(got, ['somebody'])
    await leaveOther()
  })

  it('are not kept for those who come later', async () => {
    const channel = fresh('channel')
    await bus().publish(channel, Buffer.from('early'))
    // A Cluster passes a message on to its other nodes after it has answered.
    await pause(100)
    const got: string[] = []
    const leave = await bus().subscribe(channel, (message) => got.push(String(message)))
    await bus().publish(channel, Buffer.from('late'))
    await eventually(async () => got.length > 0)
    assert.deepEqual(got, ['late'])
    await leave()
  })
}
