import ipaddr from 'ipaddr.js'

const ipv6Prefix = 56

/**
 * The part of an address that one client holds: IPv4 whole, also where it comes mapped into IPv6,
 * and IPv6 cut to /56, since one customer is commonly given that many addresses.
 */
export function clientNetwork(address: string | undefined): string {
  if (address === undefined || !ipaddr.isValid(address)) return 'unknown'
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv4) return parsed.toString()
  const bytes = parsed.toByteArray().fill(0, ipv6Prefix / 8)
  return `${new ipaddr.IPv6(bytes).toString()}/${ipv6Prefix}`
}
