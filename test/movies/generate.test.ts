import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parse } from 'csv-parse'
import { parse as parseWhole } from 'csv-parse/sync'
import fc from 'fast-check'
import t from 'tap'
import { companyName } from '../../ingest/movies/generate/names.ts'
import {
  type FolderSummary,
  generateMovies,
  MOVIE_COLUMNS,
  movieRecords,
  pythonRepr,
} from '../../ingest/movies/generate.ts'
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

/** What the summary says of the films' file. */
const ofFilms = ({ credits, keywords, links, ratings, ...films }: FolderSummary) => films

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
  const files = ['movies_metadata.csv', 'credits.csv', 'keywords.csv', 'links.csv', 'ratings.csv']
  const digests = async (seed: number) => {
    const out = t.testdir()
    await generateMovies({ out, films: 2000, ratings: 5000, seed })
    return files.map((file) =>
      createHash('sha256')
        .update(readFileSync(join(out, file)))
        .digest('hex'),
    )
  }
  const first = await digests(7)
  t.strictSame(await digests(7), first)
  const others = await digests(8)
  for (const [at, digest] of first.entries()) t.not(others[at], digest)
  t.equal(first[0], 'c57c6eb0d740d20b1fc1bc07be3e401f160e51e2ff78b2943f39c8d789916100', 'the bytes of earlier versions')
})

/** Rows of a file by its columns. */
const rowsOf = (path: string): Film[] => parseWhole(readFileSync(path), { columns: true })

t.test('credits, keywords, links and ratings hold exactly what their summary says', async (t) => {
  for (const [films, ratings, seed] of [
    [0, 0, 1],
    [0, 3, 1],
    [1, 10, 1],
    [2, 1, 5],
    [29, 1000, 2],
    [4000, 30_000, 3],
  ] as const) {
    const out = t.testdir()
    const summary = await generateMovies({ out, films, ratings, seed })
    const metadata = new Set(sound(await readRecords(summary.path)).map(({ id }) => id))
    for (const [name, told] of [
      ['credits.csv', summary.credits],
      ['keywords.csv', summary.keywords],
    ] as const) {
      const rows = rowsOf(join(out, name))
      const known = rows.filter(({ id }) => metadata.has(id))
      const last = new Map(known.map((row) => [row.id, row]))
      const identical = known.filter((row) => row !== last.get(row.id) && same(row, last.get(row.id))).length
      const common = {
        path: join(out, name),
        bytes: statSync(join(out, name)).size,
        records: rows.length,
        films: last.size,
        identical,
        superseded: known.length - last.size - identical,
        absent: rows.length - known.length,
      }
      t.match(told, common, `${name} of ${films} films`)
      t.equal(last.size, films)
      const each = (column: string, key: (item: Item) => unknown) =>
        [...last.values()].flatMap(({ [column]: cell = '' }) => [
          ...new Set((readPythonLiteral(cell) as Item[]).map((item) => String(key(item)))),
        ])
      if (name === 'credits.csv') {
        const cast = each('cast', ({ id, character }) => [id, character])
        const crew = each('crew', ({ id, job, department }) => [id, job, department])
        const people = new Set([...cast, ...crew].map((part) => part.split(',')[0])).size
        t.strictSame(told, { ...common, cast: cast.length, crew: crew.length, people })
      } else {
        const entries = each('keywords', ({ id }) => id)
        t.strictSame(told, { ...common, entries: entries.length, keywords: new Set(entries).size })
      }
    }

    const text = readFileSync(join(out, 'links.csv'), 'utf8')
    t.notMatch(text.replaceAll('\r\n', ''), /[\r\n]/, 'lines end in CR LF')
    const links = rowsOf(join(out, 'links.csv'))
    const named = links.map(({ tmdbId }) => tmdbId).filter((id) => metadata.has(id))
    const blank = links.filter(({ tmdbId }) => tmdbId === '').length
    t.strictSame(summary.links, {
      path: join(out, 'links.csv'),
      bytes: text.length,
      records: links.length,
      blank,
      repeated: links.length - blank - new Set(links.map(({ tmdbId }) => tmdbId).filter((id) => id !== '')).size,
      absent: links.length - blank - named.length,
    })

    const rows = rowsOf(join(out, 'ratings.csv'))
    t.equal(rows.length, ratings)
    t.equal(new Set(rows.map(({ userId, movieId }) => `${userId} ${movieId}`)).size, ratings, 'nobody rates one twice')
    const filmOf = new Map(links.map(({ movieId, tmdbId }) => [movieId, tmdbId]))
    const why = ({ movieId }: Film) => {
      const film = filmOf.get(movieId)
      return film === undefined ? 'no_link' : film === '' ? 'blank' : metadata.has(film) ? 'matched' : 'absent'
    }
    const count = (reason: string) => rows.filter((row) => why(row) === reason).length
    const matched = rows.filter((row) => why(row) === 'matched')
    t.strictSame(summary.ratings, {
      path: join(out, 'ratings.csv'),
      bytes: statSync(join(out, 'ratings.csv')).size,
      records: ratings,
      users: new Set(rows.map(({ userId }) => userId)).size,
      matched: matched.length,
      stars: matched.reduce((sum, { rating }) => sum + Number(rating), 0),
      films: new Set(matched.map(({ movieId }) => filmOf.get(movieId))).size,
      unmatched: { no_link: count('no_link'), blank_tmdb_id: count('blank'), film_absent: count('absent') },
    })
  }
})

type Item = Record<string, PythonValue>
const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)

t.test('credits and keywords are as long and as odd as the real ones', async (t) => {
  const out = t.testdir()
  const { credits, keywords } = (await generateMovies({
    out,
    films: 10_000,
    ratings: 0,
    seed: 3,
  })) as Required<FolderSummary>
  const within = (value: number, low: number, high: number, what: string) =>
    t.ok(value >= low && value <= high, `${what}: ${value}`)
  within(credits.bytes / credits.records, 3500, 4900, 'bytes of credits a film')
  within(credits.cast / 10_000, 11, 14, 'parts a film')
  within(credits.crew / 10_000, 9, 11.5, 'jobs a film')
  within(keywords.entries / 10_000, 3, 4, 'keywords a film')
  const rows = rowsOf(join(out, 'credits.csv'))
  const directed = rows.filter(({ crew }) => crew?.includes("'job': 'Director'")).length
  within(directed / rows.length, 0.97, 0.99, 'have a director')
  const text = readFileSync(join(out, 'credits.csv'), 'utf8') + readFileSync(join(out, 'keywords.csv'), 'utf8')
  for (const odd of [
    /'name': ""[^"]+ O'/,
    /'name': '[^']* ""The /,
    /'name': '[^']*\\'[^']*'/,
    /'name': '[^']*\\xa0/,
    /'profile_path': None/,
    /'character': ''/,
    /,\[\]/,
  ])
    t.match(text, odd)
  const films = new Map<string, number>()
  for (const { crew = '' } of rows)
    for (const [, id = ''] of crew.matchAll(/'id': (\d+), 'job': 'Director'/g)) films.set(id, (films.get(id) ?? 0) + 1)
  within(Math.max(...films.values()), 20, 150, 'films of one director')
})

t.test('a file of any length holds exactly what its summary says', async (t) => {
  for (const films of [0, 1, 2, 3, 10, 29, 100, 1566, 1567, 12_345]) {
    for (const seed of [0, -1, 2 ** 40]) {
      const progress: number[] = []
      const onProgress = (made: number) => progress.push(made)
      const summary = await generateMovies({ out: t.testdir(), films, seed, onProgress })
      t.strictSame(await recount(summary.path), ofFilms(summary), `${films} films, seed ${seed}`)
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
    t.strictSame(await recount(summary.path), ofFilms(summary))
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
  for (const ratings of [-1, 1.5, 1e9 + 1])
    await t.rejects(generateMovies({ out, films: 1, ratings, seed: 1 }), /ratings must be a whole number from 0 to/)
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
