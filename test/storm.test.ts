import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import t, { type Test } from 'tap'
import { copyOfTemplate, temporaryFolder } from './build.ts'
import { fileServer } from './file-server.ts'
import { environment, run, serve, until } from './processes.ts'
import { account } from './storm/account.ts'
import { attempt, type Field, type Outcome, type Plan } from './storm/attempt.ts'
import { Chance } from './storm/chance.ts'
import { type Command, warmCommand } from './storm/command.ts'
import { FILE_DATE, writeStormFile } from './storm/films.ts'
import { contradictions, type Publication } from './storm/history.ts'
import { leftBehind, unrest } from './storm/left-behind.ts'
import { Meddler } from './storm/meddler.ts'
import { Pace } from './storm/pace.ts'
import { type AskedFor, type Notes, Reader } from './storm/reader.ts'
import { Truth } from './storm/truth.ts'
import { wrongWith } from './storm/verdict.ts'
import { STAGES, Watch } from './storm/watch.ts'

/**
 * Loads are killed at random moments, while others publish, roll back and drop, and readers never stop. STORM_KILLS says how many
 * (200 and more before a release; few each time, as each is a process or two), STORM_SEED which.
 */
const KILLS = Number(process.env.STORM_KILLS ?? 16)
const SEED = Number(process.env.STORM_SEED ?? 20261121)
const READERS = 8

t.setTimeout(Math.max(240_000, KILLS * 5000))

t.test(`while ${KILLS} loads are killed at random, readers see whole published loads and no error`, async (t) => {
  t.comment(`STORM_SEED=${SEED}`)
  const chance = (whose: string) => new Chance(SEED, whose)
  const databaseUrl = await copyOfTemplate(t)
  const folder = await temporaryFolder(t)
  const sources = await temporaryFolder(t)
  const client = async () => {
    const made = new pg.Client(databaseUrl)
    await made.connect()
    t.teardown(() => made.end())
    return made
  }
  const db = await client()
  const local = await Promise.all(
    [88, 85, 86, 84, 30, 12].map((films, n) =>
      writeStormFile(path.join(sources, String(n)), chance(`file ${n}`), films),
    ),
  )
  const web = await slowServer(t, sources)
  const files = [
    ...local,
    ...local.slice(2).map((file) => ({ ...file, source: web.url + file.source.slice(sources.length) })),
  ]
  const env = {
    ...environment({ databaseUrl, folder }),
    SOURCE_ROOTS: sources,
    SOURCE_HOSTS: web.host,
    RETAIN_LOADS: '6',
    LOG_LEVEL: 'warn',
  }
  const server = await serve(t, env)
  const watch = await Watch.open(databaseUrl)
  t.teardown(() => watch.close())
  const field: Field = { server, db, watch, pace: new Pace(), files }
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 })
  t.teardown(() => pool.end())
  const truth = new Truth(pool, files)
  const notes: Notes = { answers: 0, seen: [], asOf: [], gone: [], gaps: [], faults: [] }

  // Quietly at first: there must be something to read, and to go back to, and how long a load takes is to be known.
  const outcomes: Outcome[] = []
  const plans = plansOf(chance('plans'), files)
  const quiet = (n: number): Plan => ({ ...calm, by: n % 2 ? 'server' : 'command', file: files[n % 4] as Plan['file'] })
  const go = async (plan: Plan, command: Command | undefined) => {
    const outcome = await attempt(field, plan, command)
    outcomes.push(outcome)
    const wrong = wrongWith(outcome)
    if (wrong) notes.faults.push(`${wrong} ${command?.said() ?? ''}`)
    if (/failed|cancelled/.test(outcome.state ?? ''))
      notes.faults.push(...(await leftBehind(db, outcome.load as number)))
  }
  const warm = (plan: Plan) => (plan.by === 'command' ? warmCommand(env, ...argumentsOf(plan)) : undefined)
  for (let n = 0; n < 4; n++) await go(quiet(n), warm(quiet(n)))
  if (notes.faults.length > 0) throw new Error(notes.faults.join('\n'))
  await until('readers see a load', async () => (await server.get('/v1/movies/years')).meta?.load.id === 4)

  const over = new AbortController()
  const known = new Map<string, string>()
  const readers = Array.from({ length: READERS }, (_, n) =>
    new Reader(server.url, truth, chance(`reader ${n}`), notes, known).read(over.signal, 120),
  )
  const meddler = new Meddler(server.url, await client(), chance('meddler'), notes)
  const meddling = meddler.meddle(over.signal, 400)

  const struck = () => outcomes.filter((outcome) => outcome.struck)
  const missing = () => STAGES.filter((stage) => !struck().some((outcome) => outcome.stage === stage))
  const since = Date.now()
  const next: { plan: Plan; command: Command | undefined }[] = []
  t.teardown(() => {
    for (const { command } of next) command?.child.kill('SIGKILL')
  })
  // Publishing takes a few milliseconds: it may take many shots to hit it once.
  const enough = () => struck().length >= KILLS && (missing().length === 0 || struck().length >= KILLS * 3)
  while (!enough() && notes.faults.length < 20) {
    while (next.length < 2) {
      const { value } = plans.next()
      const stage = struck().length < KILLS ? value.stage : (missing()[0] ?? value.stage)
      const plan = { ...value, stage }
      next.push({ plan, command: warm(plan) })
    }
    const { plan, command } = next.shift() as (typeof next)[number]
    await go(plan, command)
  }
  const took = (Date.now() - since) / 1000
  over.abort()
  await Promise.all([...readers, meddling])

  for (const line of summary(outcomes)) t.comment(line)
  t.comment(
    `${notes.answers} answers to ${READERS} readers; ${JSON.stringify(meddler.done)}; took ${took.toFixed(0)} s`,
  )
  t.strictSame(
    notes.faults.slice(0, 10),
    [],
    'no error, no mixed load, no wrong figure, and each load ended as it says',
  )
  t.ok(struck().length >= KILLS, `${struck().length} loads were killed`)
  t.strictSame(missing(), [], 'in every stage')

  const { rows: published } = await db.query<Publication>(`
    select load_id as load, extract(epoch from at)::float8 * 1000 as at
    from reelhouse.publication where subject = 'movies' order by publication_id`)
  const { faults, latest } = contradictions(notes.seen, published)
  t.comment(
    `${published.length} publications; no answer was out of date for more than ${Math.max(0, latest).toFixed(0)} ms`,
  )
  t.strictSame(faults.slice(0, 10), [], 'what readers saw is the history of publications, in its order')
  const { rows: drops } = await db.query<Publication>(`
    select load_id as load, extract(epoch from at)::float8 * 1000 as at from reelhouse.audit where action = 'drop'`)
  t.strictSame(untrue(notes, published, drops).slice(0, 10), [], 'and what they asked for by number was there or not')
  const { rows: hidden } = await db.query('select load_id from reelhouse.load where load_id = any($1)', [notes.gaps])
  t.strictSame(hidden, [], 'and a load of which they were told that there is none never came to be')

  const last = await run(t, env, 'load', 'movies', '--source', (files[0] as Plan['file']).source, '--force')
  t.match(last, { code: 0, stderr: '' }, 'the next load works')
  t.strictSame(await unrest(db), [], 'nobody holds anything any more')
  t.strictSame(await account(db, truth, files), [], 'the warehouse has what the ledger says, and nothing else')
  t.strictSame(
    (await readdir(folder, { recursive: true })).filter((name) => /load-/.test(name)),
    [],
    'nor is any download left',
  )
  t.equal(server.said.stderr.split('\n').filter((line) => /request failed|could not/.test(line)).length, 0)
})

const calm = {
  mode: 'replace',
  hold: false,
  force: true,
  way: null,
  stage: 'after',
  share: 0,
  fromBefore: false,
} as const

/** Loads as they come: most are struck, each stage as often as the next. */
function* plansOf(chance: Chance, files: Plan['file'][]): Generator<Plan, never> {
  let stages: Plan['stage'][] = []
  for (;;) {
    if (stages.length === 0) stages = [...STAGES]
    const mode = chance.weighted({ replace: 6, merge: 3, replay: 1 })
    const by = mode === 'replay' ? 'server' : chance.weighted({ command: 3, server: 1 })
    const way =
      chance.share() < 0.2
        ? null
        : chance.weighted({ SIGKILL: 72, SIGTERM: 8, cancel: 8, 'cut off': 5, 'ledger cut off': 4, 'both cut off': 3 })
    const stage = stages.splice(chance.below(stages.length), 1)[0] as Plan['stage']
    yield {
      mode,
      by,
      way,
      file: chance.of(mode === 'merge' ? files : files.filter(({ records }) => records.length > 80)),
      hold: chance.share() < 0.1,
      force: chance.share() < 0.9,
      stage,
      share: chance.share(),
      // Publishing is over before it is heard of.
      fromBefore: stage === 'publish' || (/parse|merge|index|check/.test(stage) && chance.share() < 0.4),
    }
  }
}

/** A web server that sends the first half of a file, and after a while the rest. */
async function slowServer(t: Test, folder: string) {
  return await fileServer(t, async ({ url = '' }, response) => {
    const content = await readFile(path.join(folder, url))
    const half = content.length >> 1
    response.writeHead(200, { 'content-length': content.length, 'last-modified': new Date(FILE_DATE).toUTCString() })
    response.write(content.subarray(0, half))
    setTimeout(() => response.end(content.subarray(half)), 40)
  })
}

function argumentsOf({ file, mode, hold, force }: Plan): string[] {
  const args = ['load', 'movies', '--source', file.source, '--mode', mode]
  if (hold) args.push('--hold')
  if (force) args.push('--force')
  return args
}

/** How many loads were struck where, by how, and what became of them. */
function summary(outcomes: Outcome[]): string[] {
  const table = (name: string, of: Outcome[]) => {
    const cells = STAGES.map((stage) => String(of.filter((outcome) => outcome.stage === stage).length).padStart(8))
    return `${name.padEnd(16)}${cells.join('')}`
  }
  const struck = outcomes.filter((outcome) => outcome.struck)
  const states = new Map<string, number>()
  for (const { state = 'none', struck } of outcomes) {
    const name = `${struck ? 'killed' : 'left'}, then ${state}`
    states.set(name, (states.get(name) ?? 0) + 1)
  }
  return [
    `${'killed in'.padEnd(16)}${STAGES.map((stage) => stage.padStart(8)).join('')}`,
    ...[...new Set(struck.map(({ plan }) => plan.way))].map((way) =>
      table(
        way as string,
        struck.filter(({ plan }) => plan.way === way),
      ),
    ),
    table('all', struck),
    [...states]
      .map(([name, count]) => `${name}: ${count}`)
      .sort()
      .join('; '),
  ]
}

/** Clocks of the two processes are of one machine, and a deed is dated a moment before it is done. */
const MOMENT_MS = 3000

/** Answers about loads by their number that do not fit with what was published and dropped. */
function untrue({ asOf, gone }: Notes, published: Publication[], drops: Publication[]): string[] {
  const first = (list: Publication[], load: number) => list.find((one) => one.load === load)?.at ?? Infinity
  const fits = ({ load, status, asked, answered }: AskedFor) => {
    if (status === 410) return first(drops, load) <= answered
    if (status === 404) return first(published, load) >= asked - MOMENT_MS
    return first(published, load) <= answered && first(drops, load) >= asked - MOMENT_MS
  }
  return [...asOf, ...gone].filter((one) => !fits(one)).map((one) => JSON.stringify(one))
}
