import { proxyNotice } from '../lib/doctor/proxy.ts'
import { notice } from '../lib/notice.ts'

let lookedAt: unknown

/**
 * Says once that an application lets anybody choose the address that is counted. An application that
 * was looked at before costs one comparison.
 */
export function adviseOnProxy(app: unknown): void {
  if (app === lookedAt) return
  lookedAt = app
  const message = proxyNotice(app)
  if (message !== undefined) notice('MEMORYWARE_TRUST_PROXY', message)
}
