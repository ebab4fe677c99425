import type { Expectation } from './expected-counts.ts'
import { anonymous } from './requests.ts'
import type { Entry, Route } from './routes.ts'
import type { StackName } from './servers/stacks.ts'

/** What is larger than in the group `cache`, which has 2 KB and 64 KB. */
const sizes = { '/answer256': '256 KB', '/answer1024': '1 MB' } as const

/** Large answers from the cache, relative to the bare handler. */
export const bodyRoutes: readonly Route[] = (['express', 'koa'] as const).flatMap((framework) =>
  (['/answer256', '/answer1024'] as const).map((path) => ({
    ...{ group: 'bodies', title: `GET ${path}, ${sizes[path]}, cached`, framework },
    ...{ fill: false, cached: true, timed: true },
    requests: () => anonymous(path),
    entries: [
      redis('memoryware, L1', `${framework}/memoryware/cache`, 'hit in L1'),
      redis('memoryware, L2', `${framework}/memoryware/cache-l2`, 'hit in L2'),
      { label: 'memoryware', stack: `${framework}/memoryware/cache`, in: 'process' },
    ],
  })),
)

function redis(label: string, stack: StackName, expectation: Expectation): Entry {
  return { label, stack, in: 'redis', expectation }
}
