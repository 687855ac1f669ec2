import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parse } from 'csv-parse'
import fc from 'fast-check'
import t from 'tap'
import { companyName } from '../../ingest/movies/generate/names.ts'
import { generateMovies, MOVIE_COLUMNS, movieRecords, pythonRepr } from '../../ingest/movies/generate.ts'
import { type PythonValue, readPythonLiteral } from '../../ingest/movies/python-literal.ts'

type Film = Record<string, string>

async function readRecords(path: string): Promise<string[][]> {
  const records: string[][] = []
  const parser = parse({ relax_column_count: true, from_line: 2 })
  await pipeline(createReadStream(path), parser, async (source: AsyncIterable<string[]>) => {
    for await (const record of source) records.push(record)
  })
  return records
}

/** Sound records as objects, in file order. */
const sound = (records: string[][]): Film[] =>
  records
    .filter((cells) => cells.length === 24)
    .map((cells) => Object.fromEntries(MOVIE_COLUMNS.map((c, i) => [c, cells[i] ?? ''])))

const isDate = (text = '') =>
  /^\d{4}-\d\d-\d\d$/.test(text) && new Date(`${text}T00:00Z`).toJSON()?.slice(0, 10) === text
const isMoney = (text = '') => /^\d+$/.test(text) && text !== '0'

/** Counts what the summary claims, knowing nothing but the file. */
async function recount(path: string) {
  const records = await readRecords(path)
  const all = sound(records)
  const last = new Map(all.map((film) => [film.id, film]))
  const films = [...last.values()]
  const repeats = all.filter((film) => last.get(film.id) !== film)
  const identical = repeats.filter((film) => JSON.stringify(film) === JSON.stringify(last.get(film.id))).length
  const known = (...columns: string[]) =>
    films.filter((film) => columns.every((column) => isMoney(film[column]))).length
  const where = (test: (film: Film) => boolean) => films.filter(test).length
  return {
    path,
    bytes: statSync(path).size,
    records: records.length,
    films: films.length,
    brokenFilms: records.filter((cells) => cells.length === 10).length,
    identical,
    superseded: repeats.length - identical,
    badCells: {
      budget: where((film) => /^\/\w+\.jpg$/.test(film.budget ?? '')),
      negativeBudget: where((film) => /^-\d+$/.test(film.budget ?? '')),
      releaseDate: where((film) => film.release_date !== '' && !isDate(film.release_date)),
    },
    undated: where((film) => !isDate(film.release_date)),
    budgetKnown: known('budget'),
    revenueKnown: known('revenue'),
    bothKnown: known('budget', 'revenue'),
    withoutGenres: where((film) => film.genres === '[]'),
    withoutCompanies: where((film) => film.production_companies === '[]'),
  }
}

t.test(
  '200,000 films grow the process by less than 150 MB, and none is made before the disk has taken the others',
  async (t) => {
    const out = t.testdir()
    const path = join(out, 'movies_metadata.csv')
    const before = process.memoryUsage.rss()
    let grown = 0
    let ahead = 0
    let reports = 0
    await generateMovies({
      out,
      films: 200_000,
      seed: 1,
      onProgress: (films) => {
        reports++
        grown = Math.max(grown, process.memoryUsage.rss() - before)
        ahead = Math.max(ahead, films * 700 - (statSync(path, { throwIfNoEntry: false })?.size ?? 0))
      },
    })
    t.ok(grown < 150 * 2 ** 20, `grew by ${Math.round(grown / 2 ** 20)} MB`)
    t.ok(ahead < 8 * 2 ** 20, `${Math.round(ahead / 2 ** 20)} MB waited for the disk`)
    t.ok(reports > 100, `${reports} reports of progress`)
  },
)

t.test('the same seed gives the same bytes, another seed others', async (t) => {
  const digest = async (seed: number) => {
    const { path } = await generateMovies({ out: t.testdir(), films: 2000, seed })
    return createHash('sha256').update(readFileSync(path)).digest('hex')
  }
  const first = await digest(7)
  t.equal(await digest(7), first)
  t.not(await digest(8), first)
})

t.test('a file of any length holds exactly what its summary says', async (t) => {
  for (const films of [0, 1, 2, 3, 10, 29, 100, 1566, 1567, 12_345]) {
    for (const seed of [0, -1, 2 ** 40]) {
      const progress: number[] = []
      const onProgress = (made: number) => progress.push(made)
      const summary = await generateMovies({ out: t.testdir(), films, seed, onProgress })
      t.strictSame(await recount(summary.path), summary, `${films} films, seed ${seed}`)
      t.equal(summary.films, films)
      t.equal(summary.records, films + summary.identical + summary.superseded + 2 * summary.brokenFilms)
      t.equal(progress.at(-1), films)
    }
  }
})

t.test('a file as long as the real one', async (t) => {
  const out = t.testdir()
  const summary = await generateMovies({ out, films: 45_430, seed: 3 })
  const records = await readRecords(summary.path)
  const films = sound(records)
  const within = (value: number, low: number, high: number, what: string) =>
    t.ok(value >= low && value <= high, `${what}: ${value}`)
  const entries = (film: Film, column: string) =>
    readPythonLiteral(film[column] ?? '') as { id: number; name: string }[]

  t.test('counts what the real one counts', async (t) => {
    t.strictSame(await recount(summary.path), summary)
    t.equal(summary.records, 45_466)
    t.strictSame([summary.brokenFilms, summary.identical, summary.superseded], [3, 17, 13])
    t.equal(films.filter((film) => film.release_date === '').length, 87)
    t.equal(films.filter((film) => /e-0[56]$/.test(film.popularity ?? '')).length, 154)
    within(summary.bytes, 33e6, 36e6, 'bytes')
    within(summary.withoutGenres / 45_430, 0.048, 0.06, 'without genres')
    within(summary.withoutCompanies / 45_430, 0.25, 0.275, 'without companies')
    within(summary.budgetKnown / 45_430, 0.18, 0.21, 'budget known')
    within(summary.bothKnown / 45_430, 0.11, 0.13, 'both known')
    within(films.filter((film) => film.belongs_to_collection !== '').length / 45_430, 0.09, 0.11, 'in a collection')
  })

  t.test('its companies are as many, as unequal and as ambiguous', async (t) => {
    const names = new Map<number, Set<string>>()
    const listed = new Map<number, number>()
    for (const { id, name } of films.flatMap((film) => entries(film, 'production_companies'))) {
      names.set(id, (names.get(id) ?? new Set()).add(name))
      listed.set(id, (listed.get(id) ?? 0) + 1)
    }
    const ids = new Map<string, number>()
    for (const name of [...names.values()].flatMap((few) => [...few])) ids.set(name, (ids.get(name) ?? 0) + 1)
    within(names.size, 21_000, 26_000, 'companies')
    within(Math.max(...listed.values()), 900, 1800, 'films of the biggest')
    within([...listed.values()].filter((count) => count === 1).length, 11_000, 17_000, 'companies of one film')
    within([...ids.values()].filter((count) => count > 1).length, 90, 220, 'names of several ids')
    within([...names.values()].filter((few) => few.size > 1).length, 2, 60, 'ids of several names')
    const all = [...ids.keys()]
    for (const odd of [/'/, /"/, /'.*"|".*'/, /\u00a0/, /\t/, /\\$/, /é/, /[\u3040-\u9fff]/, /^ .* $/, /^.{101}$/]) {
      t.ok(
        all.some((name) => odd.test(name)),
        `a name with ${odd}`,
      )
    }
  })

  t.test('its films are as odd', async (t) => {
    const genres = new Map(films.flatMap((film) => entries(film, 'genres')).map(({ id, name }) => [id, name]))
    t.equal(genres.size, 20)
    t.equal(genres.get(10770), 'TV Movie')
    const years = films.map((film) => Number(film.release_date?.slice(0, 4))).filter((year) => year > 1000)
    t.strictSame([Math.min(...years), Math.max(...years)], [1874, 2020])
    within(years.filter((year) => year >= 2000).length / years.length, 0.45, 0.65, 'since 2000')
    t.ok(
      films.some((film) => Number(film.revenue) > 2 ** 31 - 1),
      'revenue past int4',
    )
    within(
      films.filter((film) => isMoney(film.revenue) && Number(film.revenue) < 1000).length,
      50,
      500,
      'tiny revenues',
    )
    t.ok(
      films.some((film) => /\n/.test(film.overview ?? '')),
      'a plot of several lines',
    )
    t.ok(
      films.some((film) => /".*,/.test(film.overview ?? '')),
      'a plot with quotes and commas',
    )
    within(films.reduce((sum, film) => sum + (film.overview?.length ?? 0), 0) / films.length, 280, 340, 'plot length')
    t.equal(new Set(films.map((film) => film.id)).size, 45_430)
    t.ok(films.every((film) => /^\d+$/.test(film.id ?? '') && film.title !== ''))
  })

  t.test('its broken films look like the real ones', async (t) => {
    const ids = new Set(films.map((film) => film.id))
    for (const [i, cells] of records.entries()) {
      if (cells.length !== 10) continue
      const rest = records[i + 1] ?? []
      t.equal(rest.length, 15)
      t.notOk(ids.has(cells[5] ?? ''), 'its id is no other film')
      t.match(cells[9], /\.$/, 'the first half ends within the plot')
      t.match(rest[0], /^ \S/, 'the second goes on with the plot')
      t.match(rest[2], /^\/\w+\.jpg$/, 'a poster where the budget should be')
      t.match(rest[3], /^\[\{'name': /, 'companies where the genres should be')
      t.ok(isDate(rest[5]), 'a date where the id should be')
      t.match(rest[14], /^\d+$/, 'votes where the release date should be')
    }
  })

  t.test('its lists are written as Python writes them', async (t) => {
    const columns = [
      'belongs_to_collection',
      'genres',
      'production_companies',
      'production_countries',
      'spoken_languages',
    ]
    const cells = films.flatMap((film) => columns.map((column) => film[column] ?? '')).filter((cell) => cell !== '')
    const repr = (value: PythonValue): string => {
      if (value === null) return 'None'
      if (typeof value === 'string') return pythonRepr(value)
      if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`
      if (typeof value !== 'object' || value instanceof Set) return String(value)
      return `{${Object.entries(value)
        .map(([key, item]) => `${repr(key)}: ${repr(item)}`)
        .join(', ')}}`
    }
    t.strictSame(
      cells.filter((cell) => repr(readPythonLiteral(cell)) !== cell),
      [],
    )
  })
})

t.test('companies have names of their own, but for about one in a hundred', async (t) => {
  const names = Array.from({ length: 200_000 }, (_, i) => companyName(i + 1))
  const distinct = new Set(names).size
  t.ok(distinct > 198_000 && distinct < 199_500, `${distinct} names`)
  for (const [mark, least, most] of [
    ["'", 1200, 1800],
    ['"', 80, 200],
    ['\u00a0', 50, 130],
  ] as const) {
    const count = names.filter((name) => name.includes(mark)).length
    t.ok(count >= least && count <= most, `${count} names with ${JSON.stringify(mark)}`)
  }
  t.ok(new Set(Array.from({ length: 1000 }, (_, i) => companyName(2 ** 24 - 1 - i))).size > 980)
})

t.test(
  "oddities keep out of each other's way: what is repeated has no bad cell, what is broken has companies",
  async (t) => {
    const records = Array.from({ length: 300 }, (_, seed) => [...movieRecords({ films: 100, seed })]).flat()
    const repeats = records.filter(({ kind }) => kind === 'identical' || kind === 'superseding')
    const rests = records.filter(({ cells }) => cells.length === 15)
    t.strictSame([repeats.length, rests.length], [300, 300])
    t.strictSame(
      repeats.filter(({ film }) => film.bad !== null),
      [],
    )
    t.strictSame(
      rests.filter(({ cells }) => cells[3] === '[]' || cells[2] === ''),
      [],
    )
  },
)

t.test('records are made one by one, as they are asked for', async (t) => {
  const first = movieRecords({ films: 10_000_000, seed: 1 })[Symbol.iterator]().next()
  t.equal(first.value?.kind, 'film')
  t.equal(first.value?.cells.length, 24)
})

t.test('what cannot be made is refused before a file exists', async (t) => {
  const out = join(t.testdir(), 'new')
  for (const films of [-1, 1.5, 10_000_001, Number.NaN]) {
    await t.rejects(generateMovies({ out, films, seed: 1 }), /films must be a whole number from 0 to 10000000, not/)
  }
  await t.rejects(generateMovies({ out, films: 1, seed: 0.5 }), /seed must be a whole number, not 0\.5/)
  t.notOk(existsSync(out))
  const file = join(t.testdir(), 'file')
  writeFileSync(file, '')
  await t.rejects(generateMovies({ out: file, films: 1, seed: 1 }), { code: 'EEXIST' })
})

const noPython = spawnSync('python3', ['--version']).status === 0 ? false : 'python3 is not on the PATH'

t.test('pythonRepr writes what Python would', { skip: noPython }, async (t) => {
  const character = fc.oneof(
    fc.string({ unit: 'grapheme-ascii', maxLength: 3 }),
    fc.constantFrom(...'\'"\\\t\n\r\0\x7f\x80\u00a0\u00ad\u2028\u200b\u3000\ufeff\ue000é映🎬'),
    fc.constantFrom('\u{e0001}', 'हि', 'עִ'),
  )
  const texts = fc.sample(
    fc.array(character, { maxLength: 5 }).map((parts) => parts.join('')),
    { numRuns: 5000, seed: 1 },
  )
  const script = 'import json, sys; print(json.dumps([repr(text) for text in json.load(sys.stdin)]))'
  const python = spawnSync('python3', ['-c', script], {
    input: JSON.stringify(texts),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  t.strictSame(texts.map(pythonRepr), JSON.parse(python.stdout))
})
