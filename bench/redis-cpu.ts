import type { TestServer } from '../test/support/redis.ts'

/** A connection to the Redis of the run. */
export type Client = ReturnType<TestServer['client']>

/** The CPU time that Redis has used since it began. */
export async function redisCpuMicros(client: Client): Promise<number> {
  return cpuMicrosOf(await client.info('cpu'))
}

/** The same, from what INFO prints. @throws Error for what is none. */
export function cpuMicrosOf(info: string): number {
  const seconds = ['sys', 'user'].map((what) =>
    Number(new RegExp(`^used_cpu_${what}:([\\d.]+)`, 'm').exec(info)?.[1]),
  )
  const micros = seconds.reduce((sum, each) => sum + each) * 1e6
  if (Number.isNaN(micros)) throw new Error(`INFO says nothing of its CPU time:\n${info}`)
  return micros
}
