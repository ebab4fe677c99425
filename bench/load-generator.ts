import { autocannonLoad } from './autocannon.ts'
import type { Load } from './load.ts'
import { wrkLoad } from './wrk.ts'

/** wrk where it is installed, which costs the least; else autocannon. */
export function loadGenerator(): Load {
  return wrkLoad() ?? autocannonLoad()
}
