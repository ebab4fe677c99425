import { ok, unknown, type Verdict, warning } from './finding.ts'

/** What a framework's application tells of the proxies it trusts, by its shape. */
interface ExpressLike {
  readonly settings: Readonly<Record<string, unknown>>
}

interface KoaLike {
  readonly proxy: unknown
  readonly proxyIpHeader?: unknown
  readonly maxIpsCount?: unknown
}

/** Whose word on the client's address an application takes: of Express or Koa, however it came here. */
export function proxyTrust(app: unknown): Verdict {
  if (isExpress(app)) return ofExpress(app.settings['trust proxy'])
  if (isKoa(app)) return ofKoa(app)
  return unknown(
    'What was given is no application of Express or Koa.',
    'Export the application itself, `export default app`, before it listens.',
  )
}

/** The same as a sentence, where anybody may choose an address; nothing where that is not so. */
export function proxyNotice(app: unknown): string | undefined {
  const { status, found, fix } = proxyTrust(app)
  return status === 'warning' ? `${found} ${fix}` : undefined
}

const chosen = 'anybody may choose the address that limits count, by X-Forwarded-For.'

function ofExpress(trust: unknown): Verdict {
  if (trust === true)
    return warning(
      `Express trusts every proxy (\`trust proxy\` is true): ${chosen}`,
      "Say how many proxies there are, or which: app.set('trust proxy', 1).",
    )
  if (trust === undefined || trust === false || trust === 0) return alone('`trust proxy`')
  return ok('Express trusts the proxies that `trust proxy` names.')
}

function ofKoa({ proxy, proxyIpHeader, maxIpsCount }: KoaLike): Verdict {
  if (proxy !== true) return alone('`proxy`')
  if (Number(maxIpsCount) > 0) return ok('Koa counts the proxies it trusts (`maxIpsCount`).')
  const header = String(proxyIpHeader ?? 'X-Forwarded-For')
  if (header.toLowerCase() !== 'x-forwarded-for')
    return ok(`Koa takes the address from ${header}, which the proxy must set.`)
  return warning(
    `Koa trusts every proxy (\`proxy: true\` without \`maxIpsCount\`): ${chosen}`,
    'Say how many proxies there are: new Koa({ proxy: true, maxIpsCount: 1 }).',
  )
}

function alone(setting: string): Verdict {
  return ok(
    `${setting} is off: right without a proxy; behind one all clients have its address, and cookies are not Secure.`,
  )
}

function isExpress(app: unknown): app is ExpressLike {
  const { settings } = (app ?? {}) as Partial<ExpressLike>
  return typeof app === 'function' && typeof settings === 'object' && settings !== null
}

function isKoa(app: unknown): app is KoaLike {
  return typeof app === 'object' && app !== null && 'proxy' in app && 'middleware' in app
}
