import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { FastifyRequest } from 'fastify'
import type { Config } from './config.ts'
import { Problem } from './errors.ts'

/** Who an admin is, by bearer token. */
export interface AdminTokens {
  /**
   * The admin's name.
   * @throws Problem 401 without a valid token
   */
  authenticate(request: FastifyRequest): string
  /** Where the token lies, when it was made and not configured. */
  file: string | undefined
}

/**
 * Whether an admin asks, where anybody may.
 * @throws Problem 401 when a token is sent that is not valid
 */
export function isAdmin(tokens: AdminTokens, request: FastifyRequest): boolean {
  if (!request.headers.authorization) return false
  tokens.authenticate(request)
  return true
}

const sha256 = (text: string) => createHash('sha256').update(text).digest()

/** The configured tokens; without any, one that is made once and kept in the data folder for its owner alone. */
export async function adminTokens({ adminTokens: configured, dataDir }: Config): Promise<AdminTokens> {
  const file = configured.length > 0 ? undefined : path.join(dataDir, 'admin-token')
  const tokens = file ? [{ name: 'admin', token: await keptToken(file) }] : configured
  const known = tokens.map(({ name, token }) => ({ name, hash: sha256(token) }))
  return {
    file,
    authenticate(request) {
      const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
      // All are compared, each in constant time, over hashes: neither length nor place of a match shows.
      const hash = sha256(token ?? '')
      const matches = known.filter((one) => timingSafeEqual(one.hash, hash))
      if (token !== undefined && matches[0]) return matches[0].name
      throw new Problem(
        401,
        token === undefined ? 'This needs Authorization: Bearer TOKEN.' : 'The token is not valid.',
        {
          headers: { 'www-authenticate': token === undefined ? 'Bearer' : 'Bearer error="invalid_token"' },
        },
      )
    },
  }
}

async function keptToken(file: string): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true })
  const made = randomBytes(24).toString('base64url')
  try {
    await writeFile(file, `${made}\n`, { mode: 0o600, flag: 'wx' })
    return made
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return (await readFile(file, 'utf8')).trim()
  }
}
