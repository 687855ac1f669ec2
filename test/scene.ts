import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import type { Test } from 'tap'
import { copyOfTemplate, temporaryFolder } from './build.ts'
import { metadata, sound } from './movies/sources.ts'
import { type Environment, environment, type Served, serve, until } from './processes.ts'
import { leftBehind } from './storm/left-behind.ts'

export interface Scene {
  databaseUrl: string
  env: Environment
  server: Served
  folder: string
  /** Two sources that differ. */
  sources: [string, string]
  /** What readers see. */
  figures(): Promise<unknown>
}

/** A server with a published load. */
export async function stage(t: Test, settings: Environment & { DATABASE_URL?: string } = {}): Promise<Scene> {
  const databaseUrl = settings.DATABASE_URL ?? (await copyOfTemplate(t))
  const folder = await temporaryFolder(t)
  const sources: Scene['sources'] = [path.join(folder, 'one.csv'), path.join(folder, 'two.csv')]
  await writeFile(sources[0], metadata(sound(30)))
  await writeFile(sources[1], metadata(sound(40)))
  const { DATABASE_URL: _, ...own } = { ...environment({ databaseUrl, folder }), SOURCE_ROOTS: folder, ...settings }
  // Without DATA_DIR of its own it is the embedded warehouse's.
  const env = settings.DATA_DIR ? own : { ...own, DATABASE_URL: databaseUrl }
  const server = await serve(t, env)
  const figures = () => server.get('/v1/movies/company-years')
  const scene = { databaseUrl, env, server, folder, sources, figures }
  await works(t, scene, 'a first load')
  return scene
}

let loads = 0

/** Loads something new, and waits until readers see it. */
export async function works(t: Test, scene: Scene, what = 'the next load works'): Promise<void> {
  const { server, sources } = scene
  const source = sources[loads++ % 2] as string
  const load = await begin(scene, source)
  const { state, error } = await ended(server, load)
  t.strictSame([state, error], ['published', null], what)
  await until('readers see it', async () => (await server.get('/v1/movies/years')).meta?.load.id === load)
}

/** Starts a load. Told to try again, it does so as clients should: with a key, in case it was taken on and only the answer was lost. */
export async function begin({ server }: Scene, source: string): Promise<number> {
  const key = { 'idempotency-key': randomUUID() }
  return await until('a load is taken on', async () => {
    const { status, body } = await server.post('/v1/admin/loads', { subject: 'movies', source, force: true }, key)
    if (status === 503) return undefined
    if (status !== 202) throw new Error(`a load was refused: ${status} ${JSON.stringify(body)}`)
    return body.id
  })
}

export const ended = (server: Served, load: number) =>
  until(`load ${load} has ended`, async () => {
    const found = await server.get(`/v1/loads/${load}`)
    return found.state === undefined || /queued|running/.test(found.state) ? undefined : found
  })

/** What holds after a load that came to nothing. */
export async function unharmed(
  t: Test,
  scene: Scene,
  load: number,
  { state = 'failed', error, before, what }: { state?: string; error: RegExp; before: unknown; what: string },
): Promise<void> {
  t.match(await ended(scene.server, load), { state, error }, `${what}: it says so`)
  t.strictSame(await scene.figures(), before, `${what}: readers see what they saw`)
  const db = new pg.Client(scene.databaseUrl)
  await db.connect()
  t.strictSame(await leftBehind(db, load), [], `${what}: nothing is left`)
  await db.end()
}
