import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import t, { type Test } from 'tap'
import { loadSubjects } from '../src/subjects.ts'
import { copyOfTemplate, temporaryFolder } from './build.ts'
import { metadata, sound } from './movies/sources.ts'
import { type Environment, environment, run, serve, start, until } from './processes.ts'

/** The commands as people and scripts use them: what they print, where, and with which exit code. */

t.setTimeout(360_000)

interface Place {
  env: Environment
  folder: string
  db: pg.Client
  /** Runs a command here. */
  reelhouse(...args: string[]): ReturnType<typeof run>
  /** Writes a file here and returns its path. */
  file(name: string, content: string): Promise<string>
}

async function place(t: Test): Promise<Place> {
  const databaseUrl = await copyOfTemplate(t)
  const folder = await temporaryFolder(t)
  const db = new pg.Client(databaseUrl)
  await db.connect()
  t.teardown(() => db.end())
  const env = environment({ databaseUrl, folder })
  return {
    env,
    folder,
    db,
    reelhouse: (...args) => run(t, env, ...args),
    async file(name, content) {
      await writeFile(join(folder, name), content)
      return join(folder, name)
    },
  }
}

const published = async (db: pg.Client) =>
  (await db.query("select load_id from reelhouse.pointer where subject = 'movies'")).rows[0]?.load_id

t.test('load tells by its exit code how the load ended', async (t) => {
  const { reelhouse, file, db, env } = await place(t)
  const good = await file('good.csv', metadata([{}, { budget: 'much' }, { id: 'none' }]))
  const load = ['load', 'movies', '--source', good]
  t.match(await reelhouse(...load), {
    code: 0,
    stderr: '',
    stdout:
      /^load 1 of movies: published\n {2}good\.csv: 3 read = 2 loaded \+ 1 rejected \+ 0 duplicate \+ 0 unmatched; 1 warnings\n {2}rows: film 2, .*company 1, .*\n {2}checks: 14 passed, 0 failed, 1 warned\n {2}data through 1995-10-30\n {2}took [\d.]+ s\n {2}check warned: The films reach to within a year of the date of their file \(data through 1995-10-30, file of [\d-]{10}\)\n$/,
  })
  t.match(await reelhouse(...load), {
    code: 0,
    stdout: /^load 2 of movies: unchanged\n[\s\S]*the same files as load 1/,
  })
  t.match(await reelhouse(...load, '--force', '--hold'), { code: 0, stdout: /^load 3 of movies: held/ })
  t.match(await reelhouse(...load, '--force', '--dry-run'), { code: 0, stdout: /^load 4 of movies: checked\n.*3 read/ })
  const bad = await file('bad.csv', metadata(sound(100).map((film, index) => (index < 2 ? { id: 'none' } : film))))
  t.match(await reelhouse('load', 'movies', '--source', bad), {
    code: 3,
    stdout: /^load 5 of movies: blocked\n.*2 rejected/,
  })
  const broken = await file('broken.csv', 'id,title\n')
  t.match(await reelhouse('load', 'movies', '--source', broken, '--format', 'the-movies-dataset'), {
    code: 1,
    stdout: /failed: broken\.csv has no column/,
    stderr: '',
  })
  t.match(await reelhouse('load', 'movies', '--source', broken), {
    code: 1,
    stdout: '',
    stderr: /^reelhouse: broken\.csv is of no format that movies knows: to be \S+ it lacks release_date, /,
  })
  t.equal(await published(db), 1)

  const nothing = await reelhouse('load', 'movies', '--source', join(good, '../nowhere.csv'))
  t.match(nothing, { code: 1, stdout: '', stderr: 'reelhouse: nowhere.csv: no such file or folder\n' })
  const { MOVIES_SOURCE, ...without } = { ...env, MOVIES_SOURCE: good }
  t.match(await run(t, without, 'load', 'movies'), {
    code: 2,
    stderr: /--source is missing, and MOVIES_SOURCE is not set/,
  })
  t.match(await run(t, { ...env, MOVIES_SOURCE }, 'load', 'movies'), {
    code: 0,
    stdout: /^load 7 of movies: unchanged/,
  })
})

t.test('wrong usage is exit code 2 and a sentence, and leaves no load', async (t) => {
  const { reelhouse, file, db } = await place(t)
  const source = await file('good.csv', metadata(sound(1)))
  for (const [stderr, ...args] of [
    [/unknown option '--fast'/, 'load', 'movies', '--source', source, '--fast'],
    [/there is no subject books; there is .*movies/, 'load', 'books', '--source', source],
    [
      /--mode <mode>' argument 'append' is invalid. Allowed choices are replace, merge/,
      'load',
      'movies',
      '--source',
      source,
      '--mode',
      'append',
    ],
    [
      /--format takes the-movies-dataset or tmdb-5000 or tmdb-v11 or imdb-5000 or vega-movies or fred, not imdb/,
      'load',
      'movies',
      '--source',
      source,
      '--format',
      'imdb',
    ],
    [/missing required argument 'subject'/, 'load'],
    [/unknown command 'lode'/, 'lode'],
    [/first is not the number of a load/, 'publish', 'first'],
    [/there is no subject books/, 'loads', 'books'],
    [/there is no subject books/, 'rollback', 'books'],
    [/there is no load 99/, 'rejects', '99'],
    [
      /--films takes a whole number up to 10000000, not many/,
      'generate',
      'movies',
      '--out',
      join(source, '..'),
      '--films',
      'many',
    ],
    [/unknown option '--pages'/, 'generate', 'movies', '--out', join(source, '..'), '--pages', '9'],
    [/too many arguments/, 'generate', 'movies', 'books', '--out', join(source, '..')],
    [/there is no generator of books/, 'generate', 'books', '--out', join(source, '..')],
  ] as const)
    t.match(await reelhouse(...args), { code: 2, stdout: '', stderr }, args.join(' '))
  t.equal((await db.query('select from reelhouse.load')).rowCount, 0)
  t.match(await reelhouse('--help'), { code: 0, stderr: '', stdout: /serve[\s\S]*load [\s\S]*generate/ })
  t.match(await reelhouse('--version'), { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ })
})

t.test('a wrong setting stops any command with its name and what it takes', async (t) => {
  const { env } = await place(t)
  for (const [name, value, takes] of [
    ['PORT', 'http', 'PORT takes a whole number from 0 to 65535'],
    ['PORT', '65536', 'PORT takes at most 65535'],
    ['DATABASE_URL', 'mysql://localhost', 'DATABASE_URL takes a URL of the form postgres://'],
    ['ADMIN_TOKEN', 'short', 'ADMIN_TOKEN takes a token of at least 16 characters'],
    ['ADMIN_TOKENS', 'alice', 'ADMIN_TOKENS takes name:token,name:token'],
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL takes fatal, error'],
    ['SAMPLE', 'maybe', 'SAMPLE takes on or off'],
    ['POOL_SIZE', '0', 'POOL_SIZE takes at least 1'],
  ] as const)
    t.match(
      await run(t, { ...env, [name]: value }, 'serve'),
      { code: 2, stdout: '', stderr: `reelhouse: ${takes}` },
      name,
    )
  t.match(await run(t, { ...env, DATABASE_URL: 'postgres://127.0.0.1:1/none' }, 'status'), {
    code: 1,
    stderr:
      /^reelhouse: The warehouse cannot be reached: .*ECONNREFUSED.* Is DATABASE_URL right and the server up\?\n$/,
  })
})

t.test('a port that is taken is told, and how to choose another one', async (t) => {
  const { env } = await place(t)
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => other.close())
  const { port } = other.address() as { port: number }
  t.match(await run(t, { ...env, PORT: String(port) }, 'serve'), {
    code: 1,
    stderr: `reelhouse: Port ${port} of 127.0.0.1 is taken, by another server perhaps. PORT chooses another one.`,
  })
})

t.test('--json is what GET /v1/loads/{id} answers, however the load ended', async (t) => {
  const { env, reelhouse, file } = await place(t)
  const server = await serve(t, env)
  const good = await file('good.csv', metadata(sound(3)))
  const bad = await file('bad.csv', 'id\n1\n')
  for (const [id, args] of [
    [1, [good]],
    [2, [good, '--dry-run', '--force']],
    [3, [bad, '--format', 'the-movies-dataset']],
  ] as const) {
    const { stdout } = await reelhouse('load', 'movies', '--json', '--source', ...args)
    t.equal(stdout.split('\n').length, 2, 'one line')
    t.strictSame(JSON.parse(stdout), await server.get(`/v1/loads/${id}`))
  }
  const { stdout } = await reelhouse('loads', 'movies', '--json')
  t.strictSame(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    (await server.get('/v1/loads')).data,
  )
  t.match(await reelhouse('loads'), {
    code: 0,
    stdout:
      /^ {4}3 {2}movies {3}failed .*bad\.csv, 0 records: bad\.csv has no column[\s\S]*\n {4}1 {2}movies {3}published/,
  })
})

t.test('a dry run is checked and leaves no row', async (t) => {
  const { reelhouse, file, db } = await place(t)
  const source = await file('movies_metadata.csv', metadata([{}, { budget: 'much' }]))
  t.match(await reelhouse('load', 'movies', '--source', source, '--dry-run'), {
    code: 0,
    stdout: /checked[\s\S]*2 loaded[\s\S]*rows: film 2, [\s\S]*14 passed/,
  })
  const { rows } = await db.query(`
    select relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace where nspname = 'movies' and relname ~ '_1(_|$)'
    union all select 'film' from movies.film union all select 'company' from movies.company
    union all select 'registry' from reelhouse.registry union all select 'pointer' from reelhouse.pointer
    union all select 'publication' from reelhouse.publication`)
  t.strictSame(rows, [])
  t.match(await reelhouse('publish', '1'), {
    code: 1,
    stderr: 'reelhouse: Load 1 is checked, so it has no rows to show.\n',
  })
})

t.test('publish and rollback move readers, and refuse in a sentence', async (t) => {
  const { reelhouse, file, db } = await place(t)
  t.match(await reelhouse('rollback', 'movies'), {
    code: 1,
    stderr: /Nothing of movies is published, so there is no going back/,
  })
  for (const films of [1, 2, 3])
    await reelhouse(
      'load',
      'movies',
      '--source',
      await file(`${films}.csv`, metadata(sound(films))),
      ...(films === 3 ? ['--hold'] : []),
    )
  const rejects = metadata(sound(100).map((film, index) => (index < 2 ? { id: 'none' } : film)))
  t.match(await reelhouse('load', 'movies', '--source', await file('4.csv', rejects)), { code: 3 })
  t.equal(await published(db), 2)
  const steps: [args: string[], code: number, said: RegExp, sees: number][] = [
    [['publish', '3'], 0, /Readers see load 3 now/, 3],
    [['publish', '3'], 1, /Load 3 is the published one already/, 3],
    [['rollback', 'movies'], 0, /Readers of movies see load 2 now/, 2],
    [['rollback', 'movies'], 0, /Readers of movies see load 1 now/, 1],
    [['rollback', 'movies'], 1, /There is no load of movies before load 1 that was published/, 1],
    [['publish', '4'], 1, /Load 4 is blocked by its checks; publish it with force if you know better/, 1],
    [['publish', '4', '--force'], 0, /Readers see load 4 now/, 4],
    [['rollback', 'movies', '--to', '2'], 0, /see load 2 now/, 2],
    [['rollback', 'movies', '--to', '2'], 1, /Load 2 is no superseded load of movies/, 2],
    [['publish', '9'], 1, /There is no load 9/, 2],
  ]
  for (const [args, code, said, sees] of steps) {
    t.match(await reelhouse(...args), { code, [code === 0 ? 'stdout' : 'stderr']: said }, args.join(' '))
    t.equal(await published(db), sees)
  }
  const { rows } = await db.query('select load_id, action from reelhouse.publication order by publication_id')
  t.strictSame(
    rows.map(({ load_id, action }) => `${action} ${load_id}`),
    ['publish 1', 'publish 2', 'publish 3', 'rollback 2', 'rollback 1', 'publish 4', 'rollback 2'],
  )
})

t.test('of two loads at once the second is refused, naming the first', async (t) => {
  const { reelhouse, file, db, env } = await place(t)
  const source = await file('good.csv', metadata(sound(3)))
  await db.query('begin; lock table movies.company in exclusive mode')
  const first = start(t, env, 'load', 'movies', '--source', source)
  await until('the first load runs', async () =>
    (await reelhouse('status')).stdout.includes('load 1 of movies: running, merge'),
  )
  t.match(await reelhouse('load', 'movies', '--source', source), {
    code: 1,
    stdout: '',
    stderr: 'reelhouse: Load 1 of movies is still queued or running; one at a time.\n',
  })
  await db.query('rollback')
  t.match(await first.ended, { code: 0 })
  t.match(await reelhouse('load', 'movies', '--source', source), { code: 0, stdout: /^load 2 of movies: unchanged/ })
})

t.test('rejects are CSV, whatever the source holds', async (t) => {
  const { reelhouse, file } = await place(t)
  const source = await file('films.csv', metadata([{ id: 'a,"b"\nc' }, { budget: 'x' }, { id: '1' }, { id: '1' }]))
  await reelhouse('load', 'movies', '--source', source)
  const { stdout, code } = await reelhouse('rejects', '1')
  t.equal(code, 0)
  t.match(
    stdout,
    /^file,line,code,severity,column,reason,raw\r?\nfilms\.csv,2,bad_id,reject,id,"""a,\\""b\\""\\nc"" is not an integer",".*a,""""b""""\n/,
  )
  const { parse } = await import('csv-parse/sync')
  const rows = parse(stdout, { columns: true }) as Record<string, string>[]
  t.strictSame(
    rows.map(({ line, code, severity }) => [line, code, severity]),
    [
      ['2', 'bad_id', 'reject'],
      ['4', 'bad_money', 'warning'],
      ['5', 'superseded', 'duplicate'],
    ],
  )
  t.match(rows[0]?.raw, /,"a,""b""\nc",/)
  const only = await reelhouse('rejects', '1', '--severity', 'warning')
  t.equal(parse(only.stdout, { columns: true }).length, 1)
})

t.test('migrate, status and openapi', async (t) => {
  const { reelhouse, env, db } = await place(t)
  t.match(await reelhouse('migrate'), { code: 0, stdout: 'The tables are up to date.\n' })
  for (const schema of ['reelhouse', ...(await loadSubjects()).keys()]) await db.query(`drop schema ${schema} cascade`)
  t.match(await reelhouse('migrate'), { code: 0, stdout: /^Applied .*loads, .*films, .*rollup, .*\.\n$/ })
  t.match(await reelhouse('status'), {
    code: 0,
    stdout: /^warehouse: PostgreSQL 1\d.* \(DATABASE_URL\), [\d.]+ MiB\n(.*\n)*movies: nothing is published yet\n/,
  })
  const { stdout } = await reelhouse('status', '--json')
  const { warehouse, subjects } = JSON.parse(stdout) as { warehouse: string; subjects: { subject: string }[] }
  t.equal(warehouse, 'DATABASE_URL')
  t.match(
    subjects.find(({ subject }) => subject === 'movies'),
    { published: null, running: [] },
  )
  const document = await run(t, { ...env, DATABASE_URL: 'postgres://127.0.0.1:1/none' }, 'openapi')
  t.match(document, { code: 0, stderr: '', stdout: /^openapi: "?3\.1/ })
})

t.test('a generated file is the same for the same seed, and loads as its summary says', async (t) => {
  const { reelhouse, folder } = await place(t)
  const digests = []
  for (const [out, seed] of [
    ['one', '7'],
    ['two', '7'],
    ['three', '8'],
  ] as const) {
    t.match(await reelhouse('generate', 'movies', '--out', join(folder, out), '--films', '3000', '--seed', seed), {
      code: 0,
    })
    digests.push(
      createHash('sha256')
        .update(await readFile(join(folder, out, 'movies_metadata.csv')))
        .digest('hex'),
    )
  }
  t.equal(digests[0], digests[1])
  t.not(digests[0], digests[2])
  const summary = JSON.parse(
    (await reelhouse('generate', 'movies', '--out', join(folder, 'one'), '--films', '3000', '--seed', '7')).stdout,
  )
  const load = JSON.parse((await reelhouse('load', 'movies', '--source', join(folder, 'one'), '--json')).stdout)
  const { budget, negativeBudget, releaseDate } = summary.badCells
  t.match(load, {
    state: 'published',
    files: [
      {
        bytes: summary.bytes,
        read: summary.records,
        loaded: summary.films,
        rejected: 2 * summary.brokenFilms,
        duplicate: summary.identical + summary.superseded,
        unmatched: 0,
        warnings: budget + negativeBudget + releaseDate,
      },
    ],
    row_counts: { film: summary.films },
  })
})

t.test('server and commands share an embedded warehouse', async (t) => {
  const folder = await temporaryFolder(t)
  await promisify(execFile)('chmod', ['755', folder])
  const env = environment({ folder: join(folder, 'data') })
  const server = await serve(t, env)
  const source = join(folder, 'films.csv')
  await writeFile(source, metadata(sound(5)))
  t.match(await run(t, env, 'load', 'movies', '--source', source), { code: 0, stdout: /load 1 of movies: published/ })
  await until('the server serves it', async () => (await server.get('/v1/movies/years')).data?.[0]?.releases === 5)
  t.match(await run(t, env, 'status'), { code: 0, stdout: /\(embedded, in .*data\)/ })
  server.child.kill('SIGTERM')
  t.match(await server.ended, { code: 0 })
  t.match(
    await run(t, env, 'loads'),
    { code: 0, stdout: /1 {2}movies {3}published/ },
    'and the command starts it itself',
  )
})

/** Why no small disk can be mounted here, or false. */
function noMount(): string | false {
  const tried = spawnSync('mount', ['--fake', '-t', 'tmpfs', 'tmpfs', import.meta.dirname])
  return process.getuid?.() === 0 && tried.status === 0 ? false : 'a small disk can only be mounted by root, on Linux'
}

t.test('a disk without room for the load is said beforehand', { skip: noMount() }, async (t) => {
  const folder = await temporaryFolder(t)
  await promisify(execFile)('chmod', ['755', folder])
  const data = join(folder, 'data')
  await mkdir(data)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=200m,mode=755', 'tmpfs', data])
  t.equal(mounted.status, 0, String(mounted.stderr))
  t.teardown(() => spawnSync('umount', ['-l', data]))
  const source = join(folder, 'films.csv')
  await writeFile(source, metadata(sound(5)))
  await truncate(source, 500 << 20)
  const { code, stdout } = await run(t, environment({ folder: data }), 'load', 'movies', '--source', source)
  t.equal(code, 1)
  t.match(
    stdout,
    /^load 1 of movies: failed: the load of 500 MiB needs about 2000 MiB of disk, and \d+ MiB are free; make room or drop older loads\n/,
  )
})

/** Why there is no terminal to be had, or false; script(1) of macOS takes other options. */
const noTerminal =
  process.platform === 'linux' && spawnSync('script', ['--version']).status === 0
    ? false
    : 'there is no script(1) of Linux'

t.test('progress shows on a terminal, and nowhere else', { skip: noTerminal }, async (t) => {
  const { env, reelhouse, folder, file } = await place(t)
  const source = await file('films.csv', metadata(sound(500)))
  t.equal((await reelhouse('load', 'movies', '--source', source)).stderr, '')
  const command = `${process.execPath} ${join(import.meta.dirname, '../src/bin/reelhouse.js')} load movies --force --source ${source}`
  const { stdout } = await promisify(execFile)('script', ['-qec', command, '/dev/null'], {
    env: { ...env, PATH: process.env.PATH },
    cwd: folder,
  })
  t.match(stdout, /films\.csv: [\d.]+ of [\d.]+ MiB, \d+ records, \d+\/s/)
  t.match(stdout, /load 2 of movies: published/)
})
