import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'csv-parse/sync'
import t from 'tap'
import { ask, nextOf } from './ask.ts'
import { type ParquetFile, readParquet } from './parquet-file.ts'
import { serve } from './serve.ts'

const EXPORT = '/v1/movies/films'
/** Three rows a film. */
const LONG = '/v1/movies/company-genre-years?grain=month'
const MEBIBYTE = 2 ** 20

t.test('whole results of 130,000 rows as Parquet', async (t) => {
  const server = await serve(t)
  const films = path.join(server.folder, 'films')
  t.match(await server.run('generate', 'movies', '--out', films, '--films', '45000', '--seed', '5'), { code: 0 })
  t.match(await server.run('load', 'movies', '--source', films), { code: 0 })
  const get = (url: string, headers: Record<string, string> = {}) => ask(server.url + url, { headers })
  const pid = server.process.pid as number

  await t.test('come in row groups, in bounded memory, and say what CSV says', async (t) => {
    const before = await memoryOf(pid)
    const fields = 'company_id,company,genre,period,partial,releases,revenue,popularity'
    const query = `sort=-revenue&fields=${fields}`
    const csv = await get(`${LONG}&${query}&format=csv`)
    const rows = parse(csv.text) as string[][]
    const file = await readParquet((await get(`${LONG}&${query}&format=parquet`)).body)
    t.ok(file.rows.length >= 130_000, `${file.rows.length} rows`)
    t.strictSame(rows[0], Object.keys(file.types))
    const wrong = file.rows.findIndex((row, index) => textOf(row) !== (rows[index + 1] as string[]).join('\0'))
    t.equal(wrong, -1, 'every row is that of CSV, in its order')
    t.equal(rows.length - 1, file.rows.length)

    let most = 0
    const looking = setInterval(async () => {
      most = Math.max(most, await memoryOf(pid))
    }, 20)
    const reply = await get(`${LONG}&format=parquet`)
    clearInterval(looking)
    const whole = await readParquet(reply.body)
    t.comment(
      `${whole.rows.length} rows, ${(reply.body.length / MEBIBYTE).toFixed(1)} MB; resident ${before} MB before, ${most} MB at most`,
    )
    t.match(reply.headers, {
      'content-type': 'application/vnd.apache.parquet',
      'content-disposition': 'attachment; filename="movies-company-genre-years.parquet"',
      'transfer-encoding': 'chunked',
    })
    t.equal(whole.rows.length, file.rows.length)
    t.equal(whole.groups.length, Math.ceil(whole.rows.length / 10_000))
    t.ok(whole.groups.slice(0, -1).every((group) => group === 10_000))
    t.strictSame(whole.codecs, ['SNAPPY'])
    t.match(whole.facts, { report: 'movies/company-genre-years', load_id: '1', row_count: String(whole.rows.length) })
    t.ok(most - before < 200, 'memory is bounded')
  })

  await t.test('pages lead on by their Link header', async (t) => {
    const whole = await readParquet((await get(`${EXPORT}?format=parquet&fields=film_id,revenue&to=1950`)).body)
    const joined: ParquetFile['rows'] = []
    const start = `${EXPORT}?format=parquet&fields=film_id,revenue&to=1950&limit=${Math.ceil(whole.rows.length / 3)}`
    for (let path: string | undefined = start; path; ) {
      const page = await get(path, { 'accept-encoding': 'gzip, br' })
      t.notOk(page.headers['content-encoding'])
      t.equal(page.headers['content-length'], String(page.body.length))
      const { rows, facts } = await readParquet(page.body)
      t.equal(facts.row_count, String(rows.length))
      joined.push(...rows)
      path = nextOf(page)
    }
    t.ok(joined.length > 100)
    t.strictSame(joined, whole.rows)
  })

  await t.test('no rows are a file, too', async (t) => {
    const reply = await get(`${EXPORT}?format=parquet&year=1801`)
    const { rows, groups, types, facts } = await readParquet(reply.body)
    t.strictSame({ rows, groups, count: facts.row_count }, { rows: [], groups: [], count: '0' })
    t.strictSame(types, (await readParquet((await get(`${EXPORT}?format=parquet&limit=1`)).body)).types)
  })

  await t.test('a file that is cut off is none', async (t) => {
    const { body } = await get(`${EXPORT}?format=parquet&limit=100`)
    for (const length of [body.length - 1, Math.floor(body.length / 2), 10])
      await t.rejects(readParquet(body.subarray(0, length)))
  })

  await t.test('what is asked wrongly is said', async (t) => {
    const refused = async (query: string, parameter: string, detail: RegExp) => {
      const { status, json } = await get(`${EXPORT}?${query}`)
      t.equal(status, 400)
      t.match(json.errors, [{ parameter, detail }])
    }
    await refused('format=xml', 'format', /^takes json, csv, ndjson or parquet$/)
    await refused('format=parquet&limit=10001', 'limit', /10000/)
    await refused('format=parquet&explain=true', 'explain', /JSON only/)
    await refused('format=parquet&fields=no_such_column', 'fields', /no column/)
    await refused('format=parquet&sort=suspect', 'sort', /cannot be sorted/)
    const { status, json } = await get(EXPORT, { accept: 'application/parquet' })
    t.equal(status, 406)
    t.equal(
      json.detail,
      'Reports come as application/json, text/csv, application/x-ndjson and application/vnd.apache.parquet.',
    )
  })
})

/** The row's cells as in CSV, but for its quotes. */
const textOf = (row: ParquetFile['rows'][number]) =>
  Object.values(row)
    .map((cell) => (Array.isArray(cell) ? cell.join('|') : String(cell ?? '')))
    .join('\0')

/** Megabytes that a process holds; 0 where the system does not tell. */
async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
}
