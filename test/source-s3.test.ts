import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { PATIENCE } from '../ingest/open/access.ts'
import { assertAllowed } from '../src/allowed-source.ts'
import { readConfig } from '../src/config.ts'
import { build, copyOfTemplate, temporaryFolder } from './build.ts'
import { metadata, sound } from './movies/sources.ts'
import { opening } from './opening.ts'
import { environment, run } from './processes.ts'
import { CREDENTIALS, s3Server } from './s3-server.ts'
import { zipFile } from './zip-file.ts'

/** Sources in S3, on a real server that speaks its protocol. */

t.setTimeout(360_000)
// The client finds credentials as AWS's own tools do: in the environment, and nowhere else here.
Object.assign(process.env, CREDENTIALS, {
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
})

const CSV = 'movies_metadata.csv'
const three = metadata(sound(3))
const large = Buffer.from(`${three}${randomBytes(1_000_000).toString('hex')}\n`)
const { signal } = new AbortController()

async function scene(t: Test, settings: Parameters<typeof opening>[1] = {}) {
  const server = await s3Server(t)
  return { server, ...(await opening(t, { s3: { endpoint: server.endpoint, region: 'us-east-1' }, ...settings })) }
}

t.test('objects, prefixes and archives in S3 load as they do from disk', async (t) => {
  const server = await s3Server(t)
  const house = await build(t, { S3_ENDPOINT: server.endpoint })
  const films = metadata(sound(120))
  await server.put(`plain/2026 11/${CSV}`, films)
  await server.put('plain/2026 11/', '')
  await server.put('plain/notes.txt', 'nothing')
  await server.put('named/films-é+1.csv', films)
  await server.put(`packed/${CSV}.gz`, gzipSync(films))
  await server.put(
    'archives/all.zip',
    zipFile([
      { name: 'notes.txt', content: 'x' },
      { name: `in/${CSV}`, content: films },
    ]),
  )
  const rows = async () => {
    const { body } = await house.get('/v1/movies/films?limit=1000')
    return body.data.map((film: object) => ({ ...film, source_file: '', load_id: 0, source_load_id: 0 }))
  }
  await house.load(await house.file('plain.csv', films))
  const fromDisk = await rows()
  for (const [source, name] of [
    ['s3://films/plain', `2026 11/${CSV}`],
    ['s3://films/plain/', `2026 11/${CSV}`],
    ['s3://films/plain/2026 11', CSV],
    ['s3://films/named/films-é+1.csv', 'films-é+1.csv'],
    ['s3://films/packed/', `${CSV}.gz`],
    ['s3://films/archives/all.zip', `all.zip!in/${CSV}`],
    ['s3://films/archives', `all.zip!in/${CSV}`],
  ] as const) {
    const load = await house.load(source, { force: true })
    t.match(load, { state: 'published', error: null, files: [{ name, loaded: 120, bytes: films.length }] }, source)
    t.strictSame(await rows(), fromDisk, source)
    t.match(await house.load(source), { state: 'unchanged' })
  }
})

t.test('only what is chosen is fetched, of any number of objects', async (t) => {
  // The server takes its time over thousands of objects.
  const { server, open, read } = await scene(t, { patience: { ...PATIENCE, stallMs: 20_000 } })
  const names = Array.from({ length: 2100 }, (_, index) => `many/${String(index).padStart(4, '0')}.txt`)
  for (let at = 0; at < names.length; at += 50)
    await Promise.all(names.slice(at, at + 50).map((name) => server.put(name, 'x')))
  await server.put(`many/zz/${CSV}`, three)
  const source = await open('s3://films/many/')
  t.equal(server.requests.length, 3, 'three pages')
  t.equal((await source.files[0]?.head(signal))?.toString(), three)
  await source.close()
  t.strictSame(server.requests.slice(3), [`GET /films/many/zz/${CSV}?x-id=GetObject bytes=0-${three.length - 1}`])

  await server.put(`large/${CSV}`, large)
  const head = await open('s3://films/large/')
  t.equal((await head.files[0]?.head(signal))?.length, 64 << 10)
  await head.close()
  t.equal(server.requests.at(-1), `GET /films/large/${CSV}?x-id=GetObject bytes=0-65535`)
  const archive = zipFile([
    { name: 'large.txt', content: randomBytes(1_000_000) },
    { name: CSV, content: three },
  ])
  await server.put('archive.zip', archive)
  const before = server.requests.length
  t.strictSame(await read('s3://films/archive.zip'), { [`archive.zip!${CSV}`]: three })
  const fetched = server.requests.slice(before).map((request) => {
    const [, from, to] = /bytes=(\d+)-(\d+)$/.exec(request) ?? []
    return from === undefined ? 0 : Number(to) - Number(from) + 1
  })
  t.ok(fetched.reduce((sum, bytes) => sum + bytes, 0) < 600_000, `of an archive too: ${fetched}`)
})

t.test('a line that is cut or stalls is taken up where it was', async (t) => {
  const { server, read, refusal } = await scene(t)
  await server.put(CSV, large)
  await server.put('packed.csv.gz', gzipSync(large))
  for (const broken of ['cut', 'stall'] as const) {
    server.line = Object.assign(server.line, { bytes: 600_000, broken })
    for (const [name, what] of [
      [CSV, CSV],
      ['packed.csv.gz', 'packed.csv.gz'],
    ] as const) {
      const before = server.requests.length
      t.strictSame(await read(`s3://films/${name}`), { [what]: large.toString() }, `${name}, ${broken}`)
      const ranges = server.requests.slice(before).map((request) => /bytes=(\d+)-/.exec(request)?.[1])
      // Its head is read first, to tell what it is, and then all of it from the start.
      const resumed = ranges.map(Number).filter((from) => from > 0)
      t.ok(resumed.length > 0 && new Set(resumed).size === resumed.length, `from ${ranges}`)
      t.ok(
        resumed.every((from, at) => at === 0 || from > (resumed[at - 1] as number)),
        'ever further on',
      )
    }
  }
  // Not even a head gets through.
  for (const [broken, says] of [
    ['cut', 'the connection broke off'],
    ['stall', 'the server did not answer in time'],
  ] as const) {
    Object.assign(server.line, { bytes: 20, broken })
    const { message, retriable } = await refusal(`s3://films/${CSV}`)
    t.match(message, `s3://films/${CSV}: ${says}`)
    t.ok(retriable)
  }
})

t.test('an object that changes while it is read fails its load, which may be tried again', async (t) => {
  const { server, open } = await scene(t)
  await server.put(CSV, large)
  const changed = { message: `s3://films/${CSV} changed while it was read`, retriable: true }
  const source = await open(`s3://films/${CSV}`)
  const read = async (meanwhile: () => Promise<void>) => {
    let begun = false
    for await (const _ of source.files[0]?.read(signal) ?? []) {
      if (!begun) await meanwhile()
      begun = true
    }
  }
  Object.assign(server.line, { bytes: 600_000 })
  await t.rejects(
    read(() => server.put(CSV, Buffer.from(large.toReversed()))),
    changed,
    'between two parts',
  )
  await t.rejects(
    read(async () => {}),
    changed,
    'and before the first',
  )
  await t.rejects(source.files[0]?.head(signal) as Promise<Buffer>, changed)
  await source.close()
})

t.test('what cannot be had is told in a sentence, and what may pass is told apart', async (t) => {
  const { server, refusal, access } = await scene(t, { maxBytes: 1e6 })
  await server.put('notes/notes.txt', 'x')
  await server.put(CSV, large)
  await server.put('bad.zip', 'no archive')
  for (const [source, says] of [
    ['s3://films/none.csv', 's3://films/none.csv/: there are no objects'],
    ['s3://films/none/', 's3://films/none/: there are no objects'],
    ['s3://nowhere/x.csv', 's3://nowhere/x.csv/: there is no such bucket'],
    ['s3://nowhere/', 's3://nowhere/: there is no such bucket'],
    ['s3://films/notes', 's3://films/notes/ has no movies_metadata.csv'],
    ['s3://films/bad.zip', 'bad.zip is no sound zip file: End of central directory'],
    [`s3://films/${CSV}`, `${CSV} makes more than 1 MB, which is the most that SOURCE_MAX_MB lets a load fetch`],
    ['s3://', 'an S3 source is written s3://bucket/key or s3://bucket/prefix/'],
    ['s3://key:secret@films/x', 'an S3 source is written s3://bucket/key or s3://bucket/prefix/'],
  ] as const) {
    const { message, retriable } = await refusal(source)
    t.equal(message.slice(0, says.length), says)
    t.notOk(retriable)
  }
  t.match(await refusal(`s3://films/${CSV}`, { access: { ...access, maxBytes: 1e9, maxSeconds: 0.001 } }), {
    message: 's3://films took longer than the 1 minutes that SOURCE_TIMEOUT_MINUTES allows',
    retriable: true,
  })
  const nobody = { access: { ...access, s3: { endpoint: 'http://127.0.0.1:9', region: 'us-east-1' } } }
  t.match(await refusal('s3://films/notes/', nobody), {
    message: 's3://films/notes/: the connection was refused',
    retriable: true,
  })

  const { AWS_ACCESS_KEY_ID } = process.env
  process.env.AWS_ACCESS_KEY_ID = 'another'
  t.match(await refusal('s3://films/notes/'), {
    message: 's3://films/notes/: S3 refuses it (403 InvalidAccessKeyId)',
    retriable: false,
  })
  delete process.env.AWS_ACCESS_KEY_ID
  t.match(await refusal('s3://films/notes/'), {
    message: /^s3:\/\/films\/notes\/: no credentials for S3 were found/,
    retriable: false,
  })
  process.env.AWS_ACCESS_KEY_ID = AWS_ACCESS_KEY_ID
  await t.rejects(refusal('s3://films/notes/', { signal: AbortSignal.abort(new Error('stopped')) }), {
    name: 'AbortError',
  })
})

t.test('the command line reads S3 by its settings alone', async (t) => {
  const server = await s3Server(t)
  await server.put(CSV, three)
  const [databaseUrl, folder] = [await copyOfTemplate(t), await temporaryFolder(t)]
  const env = {
    ...environment({ databaseUrl, folder }),
    ...CREDENTIALS,
    S3_ENDPOINT: server.endpoint,
    S3_REGION: 'eu-west-3',
  }
  t.match(await run(t, env, 'load', 'movies', '--source', `s3://films/${CSV}`), {
    code: 0,
    stdout: /^load 1 of movies: published/,
  })
  t.match(await run(t, env, 'load', 'movies', '--source', 's3://f/x'), {
    code: 1,
    stdout: '',
    stderr: /an S3 source is written/,
  })
  for (const [setting, says] of [
    [{ S3_ENDPOINT: 'minio:9000' }, /S3_ENDPOINT takes a URL of the form/],
    [{ S3_REGION: 'eu west' }, /S3_REGION takes a region/],
    [{ SOURCE_MAX_MB: '0' }, /SOURCE_MAX_MB takes at least 1/],
    [{ SOURCE_TIMEOUT_MINUTES: 'long' }, /SOURCE_TIMEOUT_MINUTES takes a whole number/],
  ] as const)
    t.match(await run(t, { ...env, ...setting }, 'loads'), { code: 2, stderr: says })
})

t.test(
  'who asks over HTTP may name the buckets and hosts that SOURCE_HOSTS names, and what the owner configured',
  async (t) => {
    const config = readConfig(['movies', 'music'], {
      SOURCE_HOSTS: 'data.example,other.example:8443,s3://open,s3://part/films/,s3://one/file.csv',
      MOVIES_SOURCE: 's3://configured/films/',
      MUSIC_SOURCE: 'https://single.example/music.zip?token=1',
    })
    for (const [source, allowed] of [
      ['s3://open', true],
      ['s3://open/', true],
      ['s3://open/any/thing.csv', true],
      ['s3://opened/x', false],
      ['s3://part/films/2026/x.csv', true],
      ['s3://part/films', true],
      ['s3://part/films-secret/x.csv', false],
      ['s3://part', false],
      ['s3://part/', false],
      ['s3://one/file.csv', true],
      ['s3://one/file.csv.old', false],
      ['s3://one/', false],
      ['s3://configured/films/', true],
      ['s3://configured/films/2026/', true],
      ['s3://configured/salaries.csv', false],
      ['s3://nobody/x', false],
      ['S3://open/x', false],
      ['https://data.example/x.csv', true],
      ['https://DATA.example:9000/x.csv', true],
      ['http://data.example/x.csv', true],
      ['https://data.example.evil.example/x.csv', false],
      ['https://data.example@evil.example/x.csv', false],
      ['https://other.example/x.csv', false],
      ['https://other.example:8443/x.csv', true],
      ['https://single.example/music.zip?token=1', true],
      ['https://single.example/music.zip', false],
      ['https://[', false],
      ['https://', false],
    ] as const) {
      const refused = await assertAllowed(source, config).then(
        () => undefined,
        (error) => error.status,
      )
      t.equal(refused, allowed ? undefined : 403, source)
    }
  },
)
