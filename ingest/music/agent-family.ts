import Bowser from 'bowser'
import { LRUCache } from 'lru-cache'

/** Reading one takes as long as reading a hundred records, and a log has few different ones. */
const families = new LRUCache<string, string>({ max: 10_000 })

/** The browser that a user agent names, without its version: `Chrome`; `Other` where none is known. */
export function agentFamily(userAgent: string | null): string | null {
  if (userAgent === null) return null
  const known = families.get(userAgent)
  if (known !== undefined) return known
  const family = Bowser.parse(userAgent).browser.name || 'Other'
  families.set(userAgent, family)
  return family
}
