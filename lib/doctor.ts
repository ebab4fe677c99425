import { totalmem } from 'node:os'
import { type Diagnosis, diagnosisOf } from './doctor/diagnosis.ts'
import { embeddedMemory } from './doctor/embedded-memory.ts'
import { examine } from './doctor/examination.ts'
import { type Finding, ok, unknown } from './doctor/finding.ts'
import { nodeVersion } from './doctor/node-version.ts'
import { proxyTrust } from './doctor/proxy.ts'
import { checkNames } from './options.ts'
import { checkStore, type Store } from './store.ts'

export type { Diagnosis } from './doctor/diagnosis.ts'
export type { Finding, FindingStatus } from './doctor/finding.ts'
export type { Counts } from './doctor/report.ts'

/** What may be looked at besides the store. */
export interface DiagnoseOptions {
  /** The application of Express or Koa: whose word on addresses it takes. @default not looked at */
  readonly app?: unknown
}

/**
 * Looks at a store and the servers behind it. It writes nothing, says nothing of keys but their kinds,
 * and ends within 3 seconds, also where Redis does not answer.
 *
 * @throws OptionError for anything that `createStore()` did not make, or an unknown option.
 */
export async function diagnose(store: Store, options: DiagnoseOptions = {}): Promise<Diagnosis> {
  checkStore('store', store)
  checkNames<DiagnoseOptions>('diagnose', options, { app: true })
  return diagnosisOf([
    { name: 'node', ...nodeVersion(process.versions.node) },
    ...(await ofStore(store)),
    ...('app' in options ? [{ name: 'proxy', ...proxyTrust(options.app) }] : []),
  ])
}

async function ofStore(store: Store): Promise<readonly Finding[]> {
  if (store.checkup !== undefined) return examine(store.checkup)
  if (store.provider !== 'embedded')
    return [
      {
        name: 'connection',
        ...unknown(`The provider ${store.provider} cannot be looked into: it has no \`checkup\`.`),
      },
    ]
  const { memory } = await store.info()
  return [
    { name: 'connection', ...ok('Everything is kept in this process, and lost when it ends.') },
    { name: 'memory', ...embeddedMemory({ memory }, availableBytes()) },
  ]
}

/** What the system, or the container, lets this process have. */
function availableBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
}
