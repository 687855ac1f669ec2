import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { FastifyInstance } from 'fastify'
import pg from 'pg'
import tap, { type Test } from 'tap'
import { type LoadRequest, queueLoad } from '../ingest/ledger.ts'
import { runLoad } from '../ingest/run.ts'
import { type Generator, type Subject, usualMode } from '../ingest/subject.ts'
import { type LoadView, loads } from '../queries/loads.ts'
import { buildApp } from '../src/app.ts'
import { adminTokens } from '../src/auth.ts'
import { type Config, readConfig } from '../src/config.ts'
import { Ear } from '../src/ear.ts'
import { openEmbedded } from '../src/embedded.ts'
import { migrate } from '../src/migrate.ts'
import { loadReports } from '../src/reports.ts'
import { Runner } from '../src/runner.ts'
import { Snapshots } from '../src/snapshots.ts'
import { sourceAccess } from '../src/source-access.ts'
import { loadSubjects } from '../src/subjects.ts'
import { Sweeper } from '../src/sweeper.ts'
import { openWarehouse, type Warehouse } from '../src/warehouse.ts'

/**
 * A Reelhouse of a test's own, on a real PostgreSQL: one cluster serves all tests, and each gets a copy of a migrated
 * template database, which takes about as long as copying its files.
 */
export interface House {
  app: FastifyInstance
  config: Config
  warehouse: Warehouse
  subjects: Map<string, Subject>
  /** URL of the test's database, for processes of its own. */
  databaseUrl: string
  /** Folder of the test's own, removed afterwards. */
  folder: string
  /** Writes a file into the folder and returns its path. */
  file(name: string, content: string | Buffer): Promise<string>
  /** Loads a source to its end, whatever that is, and returns the load. */
  load(source: string, request?: Partial<LoadRequest>): Promise<LoadView>
  /** A GET whose answer is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asks for
  get(url: string): Promise<{ status: number; body: any; headers: Record<string, unknown> }>
}

export const ADMIN_TOKEN = 'token-of-the-tests-0123456789'

/** @param settings environment variables beside those that a test needs anyway */
export async function build(t: Test, settings: Record<string, string> = {}): Promise<House> {
  const databaseUrl = await copyOfTemplate(t)
  const folder = await temporaryFolder(t)
  const subjects = await loadSubjects()
  const config = readConfig(subjects.keys(), {
    DATABASE_URL: databaseUrl,
    DATA_DIR: folder,
    ADMIN_TOKEN,
    SAMPLE: 'off',
    ...settings,
  })
  const warehouse = await openWarehouse(config)
  const failures: unknown[] = []
  const ear = new Ear(warehouse, (error) => failures.push(error))
  const snapshots = new Snapshots(warehouse, ear)
  const runner = new Runner(warehouse, (error) => failures.push(error))
  const sweeper = new Sweeper(warehouse, subjects, (error) => failures.push(error))
  const app = await buildApp({
    config,
    subjects,
    reports: await loadReports(),
    warehouse,
    snapshots,
    ear,
    runner,
    sweeper,
    tokens: await adminTokens(config),
  })
  await ear.start()
  t.teardown(async () => {
    await runner.close()
    await sweeper.close()
    await app.close()
    await ear.close()
    await warehouse.close()
  })

  return {
    app,
    config,
    warehouse,
    subjects,
    databaseUrl,
    folder,
    async file(name, content) {
      const place = path.join(folder, name)
      await mkdir(path.dirname(place), { recursive: true })
      await writeFile(place, content)
      return place
    },
    async load(source, request = {}) {
      const subject = subjects.get(request.subject ?? 'movies') as Subject
      const loadId = await queueLoad(warehouse.writer, {
        subject: subject.name,
        source,
        mode: usualMode(subject),
        trigger: 'cli',
        actor: 'test',
        ...request,
      })
      const signal = new AbortController().signal
      // Whether it failed is in the ledger, which is what a test looks at.
      const { connect } = warehouse
      const options = { connect, access: sourceAccess(config), retain: config.retainLoads, signal }
      await runLoad(subject, loadId, options).catch(() => {})
      const [load] = (await loads({ id: loadId }).execute(warehouse.writer)).rows
      // What was published is heard a moment later; a test that asks next means the new load.
      const pointer = load?.state === 'published' ? loadId : undefined
      while (pointer !== undefined && (await snapshots.current(subject.name))?.id !== pointer)
        await new Promise(setImmediate)
      return load as LoadView
    },
    async get(url) {
      const { statusCode, body, headers } = await app.inject({ url })
      return { status: statusCode, body: JSON.parse(body), headers }
    },
  }
}

/** As many of everything that a subject generates as it takes to try everything. */
export const few = ({ sizes }: Generator): Record<string, number> =>
  Object.fromEntries(Object.entries(sizes).map(([size, { few }]) => [size, few]))

/** Loads the sample of each subject that brings one, and of the others what they generate. */
export async function stock(house: House): Promise<void> {
  for (const { name, sample } of house.subjects.values())
    if (sample) await house.load(sample.path(), { subject: name, trigger: 'sample', format: sample.format })
    else await loadGenerated(house, name)
}

/** Loads a few of everything that a subject generates. */
export async function loadGenerated(house: House, subject: string, seed = 1): Promise<LoadView> {
  const generate = house.subjects.get(subject)?.generate
  if (!generate) throw new Error(`${subject} generates nothing, and there is no sample of it.`)
  const out = path.join(house.folder, `generated-${subject}-${seed}`)
  await generate.write({ out, seed, sizes: few(generate) })
  return await house.load(out, { subject })
}

/** A folder under the system's temporary one that is gone after the test. */
export async function temporaryFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'reelhouse-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** URL of a migrated database of the test's own, dropped afterwards. */
export const copyOfTemplate = (t: Test): Promise<string> => databaseFrom(t, template)

/** URL of a database without a table. */
export const emptyDatabase = (t: Test): Promise<string> => databaseFrom(t, async () => 'template0')

async function databaseFrom(t: Test, template: (admin: pg.Client, url: string) => Promise<string>): Promise<string> {
  cluster ??= openCluster().then((opened) => {
    tap.teardown(opened.close)
    return opened
  })
  const { url, admin } = await cluster
  const name = `test_${process.pid}_${Math.random().toString(36).slice(2)}`
  await admin.query(`create database ${name} template ${await template(admin, url)} encoding 'UTF8'`)
  // Teardowns run last first: by then whatever the test opened on its database is closed.
  t.teardown(() => admin.query(`drop database ${name} with (force)`))
  return databaseOf(url, name)
}

/** Opened by the first test of a file that needs it, and let go when the file is done. */
let cluster: Promise<Cluster> | undefined

interface Cluster {
  url: string
  admin: pg.Client
  close(): Promise<void>
}

/**
 * Nobody misses these databases after a power cut, and a small one is dropped sooner where less memory is looked through. Whether autovacuum
 * has come by in the meantime must not decide how a page is planned.
 */
const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  autovacuum: 'off',
  shared_buffers: '128MB',
}

/** The cluster of all tests; the last setting counts from its next start. */
export async function openCluster(): Promise<Cluster> {
  const folder = path.join(os.tmpdir(), `reelhouse-test-cluster-${process.getuid?.() ?? 0}`)
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const { url, release } = await openEmbedded(folder)
  const admin = new pg.Client({ connectionString: databaseOf(url, 'postgres') })
  await admin.connect()
  for (const [name, value] of Object.entries(SETTINGS)) await admin.query(`alter system set ${name} = '${value}'`)
  await admin.query('select pg_reload_conf()')
  return {
    url,
    admin,
    async close() {
      await admin.end()
      await release()
    },
  }
}

/** Name of the migrated template, made when the migrations are new to this cluster. */
async function template(admin: pg.Client, url: string): Promise<string> {
  const name = `template_${await digestOfMigrations()}`
  await admin.query('select pg_advisory_lock(7001)')
  try {
    const { rowCount } = await admin.query('select from pg_database where datname = $1', [name])
    if (rowCount === 0) {
      // Made under another name first: a run that dies here must not leave half a template.
      await admin.query(`drop database if exists ${name}_making with (force)`)
      await admin.query(`create database ${name}_making template template0 encoding 'UTF8'`)
      const subjects = await loadSubjects()
      const warehouse = await openWarehouse(
        readConfig(subjects.keys(), { DATABASE_URL: databaseOf(url, `${name}_making`) }),
      )
      await migrate(warehouse)
      await warehouse.close()
      await admin.query(`alter database ${name}_making rename to ${name}`)
    }
  } finally {
    await admin.query('select pg_advisory_unlock(7001)')
  }
  return name
}

async function digestOfMigrations(): Promise<string> {
  const folder = path.join(import.meta.dirname, '../migrations')
  const hash = createHash('sha256')
  for (const file of (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.js')).sort())
    hash.update(file).update(await readFile(path.join(folder, file)))
  return hash.digest('hex').slice(0, 16)
}

function databaseOf(url: string, database: string): string {
  const made = new URL(url)
  made.pathname = `/${database}`
  return made.href
}
