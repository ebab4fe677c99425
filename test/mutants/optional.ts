import type { Provider } from '../../lib/index.ts'
import type { Mutant } from './mutant.ts'

type Inspection = NonNullable<Provider['inspection']>
type Bus = NonNullable<Provider['bus']>

/** Faults in a look inside. */
export const inspectionMutants: readonly Mutant[] = [
  {
    fault: 'has no look inside and does not say so',
    change: () => ({ inspection: undefined }),
    caughtBy: ['a look inside › counts the keys of all kinds'],
  },
  {
    fault: 'counts no keys',
    change: inspecting(() => ({ dbsize: async () => 0 })),
    caughtBy: ['a look inside › counts the keys of all kinds'],
  },
  {
    fault: 'tells 0 bytes of an absent key',
    change: inspecting((sound) => ({ size: async (key) => (await sound.size(key)) ?? 0 })),
    caughtBy: [
      'a look inside › tells the bytes of a key: more where it holds more, none where it is absent',
    ],
  },
  {
    fault: 'tells numbers of a server as text',
    change: inspecting((sound) => ({
      nodes: async () =>
        (await sound.nodes()).map((node) => ({ ...node, keys: String(node.keys) as never })),
    })),
    caughtBy: [
      'a look inside › tells of every server its clients, memory and statistics, in numbers',
    ],
  },
  {
    fault: 'tells the arguments of slow commands',
    change: inspecting(() => ({
      slowlog: async () => [
        { id: 1, at: new Date(), durationMs: 1, command: 'GET secret', address: 'a:1' },
      ],
    })),
    caughtBy: ['a look inside › lists slow commands without arguments, newest first'],
  },
]

/** Faults in messages. */
export const busMutants: readonly Mutant[] = [
  {
    fault: 'has no messages and does not say so',
    change: () => ({ bus: undefined }),
    caughtBy: ['messages › are bytes'],
  },
  {
    fault: 'hands over text for bytes',
    change: messaging((sound) => ({
      subscribe: (channel, listener) =>
        sound.subscribe(channel, (message) => listener(String(message) as never)),
    })),
    caughtBy: ['messages › are bytes'],
  },
  {
    fault: 'hands over each message twice',
    change: messaging((sound) => ({
      subscribe: (channel, listener) =>
        sound.subscribe(channel, (message) => {
          listener(message)
          listener(message)
        }),
    })),
    caughtBy: [
      'messages › reach every listener once, also the same one twice',
      'messages that are not for everybody › reach nobody who has left, and nobody on another channel',
    ],
  },
  {
    fault: 'never lets a listener go',
    change: messaging((sound) => ({
      async subscribe(channel, listener) {
        await sound.subscribe(channel, listener)
        return async () => {}
      },
    })),
    caughtBy: [
      'messages that are not for everybody › reach nobody who has left, and nobody on another channel',
    ],
  },
  {
    fault: 'mixes channels',
    change: messaging((sound) => ({
      publish: (_channel, message) => sound.publish('all', message),
      subscribe: (_channel, listener) => sound.subscribe('all', listener),
    })),
    caughtBy: [
      'messages that are not for everybody › reach nobody who has left, and nobody on another channel',
    ],
  },
  {
    fault: 'keeps messages for those who come later',
    change: messaging((sound) => {
      const said = new Map<string, Uint8Array>()
      return {
        publish(channel, message) {
          said.set(channel, message)
          return sound.publish(channel, message)
        },
        subscribe(channel, listener) {
          const last = said.get(channel)
          if (last) listener(Buffer.from(last))
          return sound.subscribe(channel, listener)
        },
      }
    }),
    caughtBy: ['messages that are not for everybody › are not kept for those who come later'],
  },
]

function inspecting(change: (sound: Inspection) => Partial<Inspection>): Mutant['change'] {
  return ({ inspection }) =>
    inspection ? { inspection: { ...inspection, ...change(inspection) } } : {}
}

function messaging(change: (sound: Bus) => Partial<Bus>): Mutant['change'] {
  return ({ bus }) => (bus ? { bus: { ...bus, ...change(bus) } } : {})
}
