import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'

const ipv6Prefix = 56

/** Stands for all that is no address. */
export const noNetwork = 'unknown'

/**
 * The part of an address that one client holds: IPv4 whole, also where it comes mapped into IPv6,
 * and IPv6 cut to /56, since one customer is commonly given that many addresses.
 */
export function clientNetwork(address: string | undefined): string {
  const bare = withoutPort(address ?? '')
  // It takes no other way to write one than the usual: there is nothing to put in order.
  if (isIPv4(bare)) return bare
  if (!ipaddr.isValid(bare)) return noNetwork
  const parsed = ipaddr.process(bare)
  if (parsed instanceof ipaddr.IPv4) return parsed.toString()
  const bytes = parsed.toByteArray().fill(0, ipv6Prefix / 8)
  return `${new ipaddr.IPv6(bytes).toString()}/${ipv6Prefix}`
}

/** Some proxies put the client's port behind its address: `203.0.113.7:5112`, `[2001:db8::1]:5112`. */
function withoutPort(address: string): string {
  const [, v4, v6] = /^(?:([\d.]+):\d+|\[([^\]]+)\](?::\d+)?)$/.exec(address) ?? []
  return v4 ?? v6 ?? address
}
