import { askers } from './cases/askers.ts'
import { bodies } from './cases/bodies.ts'
import { methods } from './cases/methods.ts'
import { responses } from './cases/responses.ts'
import { targets } from './cases/targets.ts'
import type { LeakCase } from './leak-case.ts'

/** All of what may be given to somebody else. */
export const cases: readonly LeakCase[] = [
  ...responses,
  ...targets,
  ...askers,
  ...methods,
  ...bodies,
]
