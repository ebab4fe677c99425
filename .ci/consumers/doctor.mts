import { deepEqual, equal, match } from 'node:assert/strict'
import { join } from 'node:path'
import { run } from '../../test/support/consumer.ts'
import { about, check } from './facts.mts'
import type { Project } from './project.mts'

/** Runs the doctor on every Node, as npm has put it among the project's programs. */
export async function checkDoctor({ folder, nodes }: Project): Promise<void> {
  const program = join(folder, 'node_modules', '.bin', 'memoryware')
  about('The doctor')
  await check('npx memoryware doctor', async () => {
    const { code, stdout } = await run(
      'npx',
      ['--no-install', 'memoryware', 'doctor'],
      folder,
      60_000,
    )
    match(stdout, /^0 failures, /m)
    equal(code, 0)
  })
  for (const [major, node] of nodes) {
    const doctor = (...args: string[]) => run(node, [program, 'doctor', ...args], folder)
    await check(`its JSON and its exit status, Node ${major}`, async () => {
      const sound = await doctor('--json')
      const away = await doctor('--json', '--url', 'redis://127.0.0.1:1')
      deepEqual([sound.code, JSON.parse(sound.stdout).healthy], [0, true])
      deepEqual([away.code, JSON.parse(away.stdout).healthy], [1, false])
      equal((await doctor('--jsn')).code, 2)
    })
  }
}
