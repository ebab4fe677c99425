import { deepEqual } from 'node:assert/strict'
import { it } from 'mocha'
import { note, release, standing, take } from '../../examples/samples/37-agent-memory.ts'
import { serveMemories } from '../support/memories.ts'
import { onEachProvider } from './on-each.ts'

onEachProvider('37-agent-memory', ({ store }) => {
  it('lets one worker at a time have the work', async () => {
    const { ann, close } = await serveMemories(await store())
    const taken = await Promise.all(['a', 'b', 'c'].map((worker) => ann((m) => take(m, worker))))
    deepEqual(taken.toSorted(), [false, false, true])
    const worker = ['a', 'b', 'c'][taken.indexOf(true)] ?? ''
    deepEqual(await ann((memory) => release(memory, 'd')), false)
    deepEqual(await ann((memory) => release(memory, worker)), true)
    deepEqual(await ann((memory) => take(memory, 'd')), true)
    await close()
  })

  it('loses no step where several are noted at once', async () => {
    const { ann, close } = await serveMemories(await store())
    const done = ['boil', 'pour', 'wait', 'drink']
    const steps = await Promise.all(done.map((step) => ann((memory) => note(memory, step))))
    deepEqual(steps.toSorted(), [1, 2, 3, 4])
    const { done: noted = [], ...rest } = await ann(standing)
    deepEqual([noted.toSorted(), rest], [done.toSorted(), { steps: 4 }])
    await close()
  })
})
