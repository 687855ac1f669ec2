import { lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/**
 * Which addresses are anybody's on the internet. A source's name may lead to any address, and next week to another: so the
 * check is made on the very addresses that a connection is then opened to.
 */

/** The name leads to an address that is not public; which one is not told. */
export class PrivateAddressError extends Error {
  readonly code = 'PRIVATE_ADDRESS'
}

/** As `dns.lookup`, but for names that lead to a private address. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? []
    if (error || !first) return callback(error, '')
    // All of them: which of several is tried is Node's to decide.
    if (!addresses.every(({ address }) => isPublicAddress(address))) return callback(new PrivateAddressError(), '')
    if (options.all) return callback(null, addresses)
    callback(null, first.address, first.family)
  })
}

// One list a family: a rule for IPv4 addresses within IPv6 would match every IPv4 address.
const special4 = list('ipv4', [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
])
/** All of IPv6 that is given out to the world. */
const global6 = list('ipv6', ['2000::/3'])
/** Teredo and other protocols, documentation, and 6to4, in which any IPv4 address can hide. */
const special6 = list('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'])
/** Where a network without IPv4 maps it to; the last 32 bits are the address. */
const NAT64 = list('ipv6', ['64:ff9b::/96'])

export function isPublicAddress(address: string): boolean {
  const bare = address.replace(/%.*$/, '')
  if (isIP(bare) === 4) return !special4.check(bare, 'ipv4')
  if (isIP(bare) !== 6) return false
  if (NAT64.check(bare, 'ipv6')) return isPublicAddress(lastIPv4(bare))
  return global6.check(bare, 'ipv6') && !special6.check(bare, 'ipv6')
}

function lastIPv4(address: string): string {
  // As a URL's host, however it was written, its last two groups are hexadecimal, or left out for zero.
  const groups = new URL(`http://[${address}]/`).hostname.slice(1, -1).split(':').slice(-2)
  const [high = 0, low = 0] = groups.map((group) => Number.parseInt(group || '0', 16))
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

function list(family: 'ipv4' | 'ipv6', networks: string[]): BlockList {
  const made = new BlockList()
  for (const network of networks) {
    const [address, prefix] = network.split('/') as [string, string]
    made.addSubnet(address, Number(prefix), family)
  }
  return made
}
