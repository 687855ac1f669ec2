import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import { SourceError } from '../source-error.ts'
import { PATIENCE, type SourceAccess } from './access.ts'
import { isPublicAddress, PrivateAddressError, publicLookup } from './address.ts'
import { isNamedHost } from './named-host.ts'
import { PassingTrouble } from './passing-trouble.ts'

/** One GET, as far as the head of its answer: where a source may lie, and what may go wrong on the way there. */

const MOST_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])

export interface RequestOptions {
  /** What sentences call the source. */
  name: string
  access: SourceAccess
  signal: AbortSignal
}

/**
 * Asks for a URL, following redirects within its host.
 * @returns the answer, whatever its status; its body waits to be read or destroyed
 * @throws PassingTrouble for what the network or a slow server may do better next time
 * @throws SourceError for a place where sources are not taken from
 */
export async function get(
  url: URL,
  headers: OutgoingHttpHeaders,
  options: RequestOptions,
): Promise<{ answer: IncomingMessage; at: URL }> {
  let at = url
  for (let redirects = 0; ; redirects++) {
    assertAllowed(at, options)
    const answer = await ask(at, headers, options)
    const { location } = answer.headers
    if (!REDIRECTS.has(answer.statusCode ?? 0) || location === undefined) return { answer, at }
    answer.destroy()
    if (redirects === MOST_REDIRECTS)
      throw new SourceError(`${options.name} redirects more than ${MOST_REDIRECTS} times`)
    at = redirected(at, location, options.name)
  }
}

function redirected(from: URL, location: string, name: string): URL {
  if (!URL.canParse(location, from.href)) throw new SourceError(`${name} redirects to what is no address`)
  const to = new URL(location, from)
  const upgraded = from.protocol === 'http:' && to.protocol === 'https:' && from.port === '' && to.port === ''
  if (to.hostname !== from.hostname || !(to.host === from.host || upgraded))
    throw new SourceError(`${name} redirects to another host, ${to.host || to.protocol}: name the file where it lies`)
  if (to.protocol !== from.protocol && !upgraded)
    throw new SourceError(`${name} redirects from ${from.protocol} to ${to.protocol}`)
  to.username = from.username
  to.password = from.password
  return to
}

/** @throws SourceError for plain http, and private addresses, of hosts that SOURCE_HOSTS does not name */
export function assertAllowed(url: URL, { name, access }: Pick<RequestOptions, 'name' | 'access'>): void {
  if (isNamedHost(url, access.hosts)) return
  if (url.protocol !== 'https:')
    throw new SourceError(`${name}: plain http is read only from hosts that SOURCE_HOSTS names; use https`)
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  // Of an address as it stands nothing is looked up.
  if (isIP(literal) !== 0 && !isPublicAddress(literal)) throw privateAddress(name)
}

const privateAddress = (name: string) =>
  new SourceError(`${name}: its host has a private address, and those are read only from hosts that SOURCE_HOSTS names`)

function ask(url: URL, headers: OutgoingHttpHeaders, options: RequestOptions): Promise<IncomingMessage> {
  const { name, access, signal } = options
  const { connectMs, stallMs } = access.patience ?? PATIENCE
  return new Promise((resolve, reject) => {
    const asked = (url.protocol === 'https:' ? https : http).request(url, {
      headers,
      signal,
      // A connection of its own: one that is kept could have been opened under other rules.
      agent: false,
      ...(isNamedHost(url, access.hosts) ? {} : { lookup: publicLookup }),
    })
    const giveUpAfter = (milliseconds: number, what: string) =>
      setTimeout(() => asked.destroy(new PassingTrouble(`${what} for ${milliseconds / 1000} seconds`)), milliseconds)
    let timer = giveUpAfter(connectMs, 'no connection was made')
    asked.once('socket', (socket) =>
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer)
        timer = giveUpAfter(stallMs, 'the server did not answer')
      }),
    )
    asked.once('response', (answer) => {
      clearTimeout(timer)
      resolve(answer)
    })
    asked.once('close', () => clearTimeout(timer))
    // Not once: a connection may break again after it was given up, and then nobody else would listen.
    asked.on('error', (error) => reject(signal.aborted ? error : troubleOf(error, name)))
    asked.end()
  })
}

/** What may go wrong between two machines, by Node's code; its messages tell addresses. */
const TROUBLES: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection broke off',
  EPIPE: 'the connection broke off',
  ETIMEDOUT: 'no connection was made',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  EAI_AGAIN: 'the host’s name could not be looked up',
  ENOTFOUND: 'there is no host of that name',
}

/** An error of a connection as a sentence, and whether another try may help. */
export function troubleOf(error: Error, name: string): Error {
  if (error instanceof PassingTrouble || error instanceof SourceError) return error
  if (error instanceof PrivateAddressError) return privateAddress(name)
  const { code = error.name } = error as NodeJS.ErrnoException
  // A mistyped name, mostly; but it is also what some networks say that are down.
  if (code === 'ENOTFOUND') return new SourceError(`${name}: ${TROUBLES.ENOTFOUND}`, true, { cause: error })
  if (/CERT|SIGNATURE|SELF_SIGNED|ISSUER/.test(code))
    return new SourceError(`${name}: its certificate is not trusted (${code})`, false, { cause: error })
  const trouble =
    TROUBLES[code] ?? (code.startsWith('HPE_') ? 'the answer is not HTTP' : `the connection failed (${code})`)
  return new PassingTrouble(trouble, { cause: error })
}
