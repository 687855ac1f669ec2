/**
 * The data folder of the embedded PostgreSQL ("cluster" in PostgreSQL's language), made whole or not at all.
 *
 *     DATA_DIR/postgres/data        PostgreSQL's own
 *     DATA_DIR/postgres/password    of the superuser reelhouse, mode 0600
 *     DATA_DIR/postgres/server.log  and server.log.1, the one before
 */
import { randomBytes } from 'node:crypto'
import { chown, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Account,
  findAccount,
  findPrograms,
  mustReach,
  OR_YOUR_OWN,
  type Programs,
  run,
} from './embedded-program.ts'
import { isAlive, readOr } from './embedded-server.ts'

export interface Cluster {
  folder: string
  data: string
  logFile: string
  password: string
  programs: Programs
  account: Account | undefined
}

/** The cluster in `dataDir`, made if there is none. */
export async function openCluster(dataDir: string, log: (line: string) => void): Promise<Cluster> {
  const programs = await findPrograms()
  try {
    await mkdir(dataDir, { recursive: true })
  } catch (cause) {
    throw new Error(`DATA_DIR ${dataDir} cannot be made: ${(cause as Error).message}.`, { cause })
  }
  const folder = join(await realpath(dataDir), 'postgres')
  // pg_ctl puts the path between double quotes for a shell, as it is.
  if (/["$`\\\n]/.test(folder))
    throw new Error(`DATA_DIR ${dataDir} has one of " $ \` \\ in its path, which pg_ctl cannot take.`)
  const account = await findAccount(folder)
  await mustReach(account, 'program', programs.pg_ctl, 'Move Reelhouse to a folder such as /opt/reelhouse')
  await mustReach(account, 'data folder', folder, 'Set DATA_DIR to a folder such as /var/lib/reelhouse')
  const data = join(folder, 'data')
  await sweep(join(folder, '..'))
  const made = await readOr(join(data, 'PG_VERSION'), undefined)
  if (made === undefined) await makeCluster(folder, programs, account, log)
  else if (Number(made) !== programs.major)
    throw new Error(
      `${data} was made by PostgreSQL ${made.trim()}; this program brings PostgreSQL ${programs.major}, which cannot read it. ` +
        'See "Moving to the next PostgreSQL major" in README.md.',
    )
  const password = (await readFile(join(folder, 'password'), 'utf8')).trim()
  return { folder, data, logFile: join(folder, 'server.log'), password, programs, account }
}

/** Made under another name, then renamed: a kill at any moment leaves a whole cluster or none. Two at once: the first counts. */
async function makeCluster(
  folder: string,
  programs: Programs,
  account: Account | undefined,
  log: (line: string) => void,
) {
  const parent = join(folder, '..')
  if ((await readdir(folder).catch(() => [])).length && !(await readOr(join(folder, 'data/PG_VERSION'), '')))
    throw new Error(
      `${folder} is in the way: it holds files, but no PostgreSQL data. Move it elsewhere, or set DATA_DIR.`,
    )
  log(`Making an empty warehouse in ${folder}`)
  let half: string | undefined
  try {
    half = await mkdtemp(`${folder}.new-${process.pid}-`)
    const password = join(half, 'password')
    await writeFile(password, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 })
    if (account) for (const path of [half, password]) await chown(path, account.uid, account.gid)
    // The built-in locale sorts by code point the same way on every machine, whatever its C library.
    const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
    const access = ['--username=reelhouse', '--auth=scram-sha-256', `--pwfile=${password}`]
    const { code, stderr } = await run(programs.initdb, ['-D', join(half, 'data'), ...locale, ...access], half, account)
    if (code !== 0) throw new Error(`PostgreSQL's initdb could not make ${folder}:\n${stderr.trim()}`)
    await writeFile(join(half, 'data/postgresql.conf'), "\ninclude 'reelhouse.conf'  # written anew at each start\n", {
      flag: 'a',
    })
    await rename(half, folder)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return // Another process was quicker.
    if (code)
      throw new Error(
        `${parent} cannot be written (${message}). Set DATA_DIR to a folder that can, or ${OR_YOUR_OWN}.`,
        { cause },
      )
    throw cause
  } finally {
    if (half) await rm(half, { recursive: true, force: true })
  }
}

/** Removes what processes that died while making a cluster left behind. */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = Number(/^postgres\.new-(\d+)-/.exec(name)?.[1])
    // The initdb of a killed process may still be writing there; then a later start sweeps.
    if (pid && !isAlive(pid))
      await rm(join(parent, name), { recursive: true, force: true, maxRetries: 3 }).catch(() => {})
  }
}
