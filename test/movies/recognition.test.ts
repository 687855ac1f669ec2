import { utimes } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { chooseFiles } from '../../ingest/choose.ts'
import type { Entry } from '../../ingest/open.ts'
import type { Subject } from '../../ingest/subject.ts'
import { loadSubjects } from '../../src/subjects.ts'
import { ADMIN_TOKEN, build, type House } from '../build.ts'
import { type FormatName, fileOf, HEADERS } from './format-files.ts'
import { metadata, sound, vega } from './sources.ts'

/** What a source is read as when nobody says: by header, then by name; in a folder the newest. And what became of its columns. */

const subject = (await loadSubjects()).get('movies') as Subject
const { signal } = new AbortController()

/** What a file is taken for: a format, or the sentence why it is none. */
async function taken(name: string, content: string): Promise<string> {
  const bytes = Buffer.from(content)
  const entry = {
    name,
    base: name,
    bytes: bytes.length,
    modifiedAt: new Date(),
    head: async () => bytes.subarray(0, 65536),
    async *read() {
      yield* [] as Buffer[]
      throw new Error('more is read than the head')
    },
  } as Entry
  const place = { name, single: true, entries: [entry] }
  return await chooseFiles(subject, place, undefined, signal).then(
    ({ format }) => format.name,
    (error: Error) => error.message,
  )
}

const WHOLE_VEGA = vega(['"Production Budget": 1, "Worldwide Gross": 2, "Major Genre": "Drama", "Director": null'])
const FILES: Record<string, string> = {
  'the-movies-dataset': metadata(sound(2)),
  'tmdb-5000': fileOf('tmdb-5000', [{}, {}]),
  'tmdb-v11': fileOf('tmdb-v11', [{}, {}]),
  'imdb-5000': fileOf('imdb-5000', [{}, {}]),
  'vega-movies': WHOLE_VEGA,
}

t.test('a file is what its header says, whatever it is called', async (t) => {
  for (const [format, text] of Object.entries(FILES))
    for (const [name, content] of [
      ['export.dat', text],
      ['with-mark.csv', `\uFEFF${text}`],
      ['other-lines.json', text.replaceAll('\n', '\r\n')],
      // What another format calls its file.
      ['movies_metadata.csv', text],
      ['movies.json', text],
    ] as const)
      t.equal(await taken(name, content), format, `${format} as ${name}`)
})

t.test('the order of columns, quotes around them and others among them are no matter', async (t) => {
  for (const format of Object.keys(HEADERS) as FormatName[]) {
    const columns = HEADERS[format].split(',').toReversed()
    const text = fileOf(format, [{}], [...columns, 'new'].join(','))
    t.equal(await taken('a.csv', text), format)
    const [header, ...lines] = text.split('\n') as [string, ...string[]]
    const quoted = [`"${header.replaceAll(',', '","')}"`, ...lines].join('\n')
    t.equal(await taken('b.csv', quoted), format)
  }
  // The dump of later years has the keywords, too.
  t.equal(await taken('c.csv', fileOf('tmdb-v11', [{}], `${HEADERS['tmdb-v11']},keywords`)), 'tmdb-v11')
  // What is broken later is told by whoever reads it whole.
  t.equal(await taken('e.json', '[{"Title": "A", "Release Date": null}, {oops'), 'vega-movies')
  // A record may be longer than what is looked at.
  t.equal(await taken('d.csv', fileOf('tmdb-v11', [{ overview: 'x'.repeat(100_000) }])), 'tmdb-v11')
})

t.test('what is of no format, or of two, is refused in a sentence', async (t) => {
  const house = await build(t)
  const without = (format: FormatName, ...columns: string[]) =>
    fileOf(
      format,
      [{}],
      HEADERS[format]
        .split(',')
        .filter((column) => !columns.includes(column))
        .join(','),
    )
  const both = 'id,title,release_date,budget,revenue,genres,production_companies,belongs_to_collection,backdrop_path'
  for (const [name, text, sentence] of [
    [
      'films.csv',
      without('imdb-5000', 'gross', 'title_year'),
      'films.csv is of no format that movies knows: to be imdb-5000 it lacks title_year, gross',
    ],
    [
      'films.csv',
      without('tmdb-v11', 'backdrop_path'),
      'films.csv is of no format that movies knows: to be the-movies-dataset it lacks belongs_to_collection; to be tmdb-5000 it lacks keywords; to be tmdb-v11 it lacks backdrop_path',
    ],
    [
      'marks.csv',
      'userId,movieId,rating\n1,2,3\n',
      'marks.csv is of no format that movies knows: its columns are userId, movieId, rating',
    ],
    [
      'films.csv',
      `${both}\n`,
      'films.csv may be of the format the-movies-dataset or tmdb-v11: name the one that is meant',
    ],
    ['films.csv', '', 'films.csv is empty'],
    ['films.csv', '\n\n', 'films.csv is empty'],
    ['films.json', '[]', 'films.json begins with no record by which its format could be told: name its format'],
    [
      'films.json',
      '[{"Title": "Cut',
      'films.json begins with no record by which its format could be told: name its format',
    ],
    ['films.json', '[}', 'films.json is not valid JSON'],
    ['films.json', '{"films": []}', 'films.json is not a JSON array of objects: it begins with an object'],
    [
      'films.json',
      '[{"name": "A"}, {"year": 2}, 3]',
      'films.json is of no format that movies knows: its columns are name, year',
    ],
    [
      'films.json',
      '[{"Title": "A"}]',
      'films.json is of no format that movies knows: to be vega-movies it lacks Release Date',
    ],
    ['page.csv', '<!doctype html>\n<p>Not found', 'page.csv is not UTF-8 text: it looks like an HTML or XML page'],
  ] as const)
    t.equal(await taken(name, text), sentence)

  // Whoever names the format has decided: a header that fits is enough then.
  const named = await house.load(await house.file('films.csv', without('tmdb-v11', 'backdrop_path')), {
    format: 'tmdb-v11',
  })
  t.match(named, { state: 'published', format: 'tmdb-v11' })
  // But not one that is another's: read as this one, its lists would be unreadable.
  t.match(await house.load(await house.file('films.csv', `${both}\n`), { format: 'tmdb-5000' }), {
    state: 'failed',
    error:
      /^films\.csv has the columns of the-movies-dataset or tmdb-v11, and not those of tmdb-5000; name that format, or none$/,
  })
  t.match(await house.load(await house.file('header-only.csv', `${HEADERS['imdb-5000']}\n`)), {
    state: 'blocked',
    format: 'imdb-5000',
  })
})

/** Writes a file that was last changed so many days after the first of January 2026. */
async function dated(house: House, name: string, content: string | Buffer, days: number): Promise<void> {
  const at = new Date(Date.UTC(2026, 0, 1 + days))
  await utimes(await house.file(name, content), at, at)
}

t.test('in a folder the newest file of the format is taken, and the others are named', async (t) => {
  const house = await build(t)
  const load = async (folder: string, request = {}) => {
    const { state, format, error, files, notes } = await house.load(path.join(house.folder, folder), {
      force: true,
      ...request,
    })
    return { state, format, error, file: files[0]?.name, notes }
  }
  const [tmdb, imdb] = [FILES['the-movies-dataset'] as string, FILES['imdb-5000'] as string]
  await dated(house, 'a/movies_metadata.csv', tmdb, 1)
  await dated(house, 'a/movies_metadata-2026-02.csv', tmdb, 3)
  await dated(house, 'a/movies_metadata_20260115.csv', tmdb, 2)
  // Those that go by the name are found by it, and no other is looked at.
  await dated(house, 'a/newer.csv', imdb, 9)
  await dated(house, 'a/movies_metadata-draft.csv', 'unfinished', 9)
  t.match(await load('a'), {
    state: 'published',
    format: 'the-movies-dataset',
    file: 'movies_metadata-2026-02.csv',
    notes: [
      'movies_metadata-2026-02.csv is the newest of its kind; passed over: movies_metadata_20260115.csv, movies_metadata.csv',
    ],
  })
  t.match(await load('a', { format: 'imdb-5000' }), {
    state: 'published',
    file: 'newer.csv',
    notes: [/^passed over, as neither name nor columns/],
  })

  // An archive or a copy may give all files one time; then the date in the name decides.
  for (const name of ['movies_metadata_20261001.csv', 'movies_metadata_20261101.csv', 'movies_metadata_20260901.csv'])
    await dated(house, `b/${name}`, tmdb, 5)
  t.match(await load('b'), { file: 'movies_metadata_20261101.csv' })

  // Under other names, by their headers; what is no data is no error.
  await dated(house, 'c/monthly.csv', imdb, 1)
  await dated(house, 'c/of-march.csv', imdb, 2)
  await dated(house, 'c/README', 'Read me', 8)
  await dated(house, 'c/notes.txt', 'See monthly.csv, "of-march.csv', 8)
  await dated(house, 'c/.DS_Store', Buffer.of(0, 0, 0, 1), 8)
  await dated(house, 'c/._of-march.csv', imdb, 8)
  await dated(house, 'c/poster.csv', Buffer.of(0x89, 0x50, 0x4e, 0x47, 0), 8)
  await dated(house, 'c/packed.csv', gzipSync(imdb), 8)
  await dated(house, 'c/of-april.csv.part', imdb, 8)
  await dated(house, 'c/empty.csv', '', 8)
  await dated(house, 'c/broken.json', '[}', 8)
  await dated(house, 'c/__MACOSX/of-march.csv', imdb, 8)
  const third = { state: 'published', format: 'imdb-5000', file: 'of-march.csv' }
  t.match(await load('c'), { ...third, notes: ['of-march.csv is the newest of its kind; passed over: monthly.csv'] })
  t.match(await load('c', { format: 'imdb-5000' }), third)
  t.match(await load('c', { format: 'tmdb-5000' }), {
    state: 'failed',
    error: 'c has no tmdb_5000_movies.csv (tmdb-5000), nor another file with its columns',
  })

  // Formats are not mixed, nor chosen from by chance.
  await dated(house, 'd/one.csv', imdb, 1)
  await dated(house, 'd/two.csv', tmdb, 2)
  t.match(await load('d'), {
    state: 'failed',
    error:
      'd holds files of several formats: two.csv (the-movies-dataset), one.csv (imdb-5000); name the format or the file that is meant',
  })
  t.match(await load('d', { format: 'imdb-5000' }), { state: 'published', file: 'one.csv' })
  // A file of that format comes before a newer one that has its columns but is of another.
  await dated(house, 'g/one.csv', FILES['tmdb-5000'] as string, 1)
  await dated(house, 'g/two.csv', tmdb, 2)
  t.match(await load('g', { format: 'tmdb-5000' }), { state: 'published', file: 'one.csv' })
  await dated(house, 'e/movies_metadata.csv', tmdb, 1)
  await dated(house, 'e/movies.json', WHOLE_VEGA, 2)
  t.match(await load('e'), {
    state: 'failed',
    error:
      'e holds files of several formats: movies_metadata.csv (the-movies-dataset), movies.json (vega-movies); name the format or the file that is meant',
  })
  // The name finds a file; what it is, its header says.
  await dated(house, 'f/movies_metadata.csv', FILES['tmdb-5000'] as string, 1)
  t.match(await load('f'), { state: 'published', format: 'tmdb-5000', file: 'movies_metadata.csv' })
  // One that goes by the name is taken before newer ones that do not, which is said.
  await dated(house, 'h/movies_metadata.csv', tmdb, 1)
  await dated(house, 'h/november.csv', tmdb, 2)
  t.match(await load('h'), {
    file: 'movies_metadata.csv',
    notes: [
      'movies_metadata.csv is taken for its name; passed over, although newer and with its columns: november.csv',
    ],
  })
  // The newest decides, even when it is broken: an older one is not what was meant.
  await dated(house, 'a/movies_metadata-2026-03.csv', '<html>', 8)
  t.match(await load('a'), { state: 'failed', error: /^movies_metadata-2026-03\.csv is not UTF-8 text/ })
})

t.test('a newer file in the folder is what the next load takes', async (t) => {
  const house = await build(t)
  const load = async () => await house.load(path.join(house.folder, 'watched'), { trigger: 'schedule' })
  await dated(house, 'watched/movies_metadata_20260101.csv', metadata(sound(2)), 1)
  t.match(await load(), { state: 'published', files: [{ name: 'movies_metadata_20260101.csv', loaded: 2 }] })
  t.match(await load(), { state: 'unchanged' })
  await dated(house, 'watched/movies_metadata_20260201.csv', metadata(sound(3)), 32)
  t.match(await load(), {
    state: 'published',
    files: [{ name: 'movies_metadata_20260201.csv', loaded: 3 }],
    notes: [/passed over: movies_metadata_20260101\.csv$/],
  })
  t.match(await load(), { state: 'unchanged' })
})

t.test('columns that appear or vanish are told by the load, and the header is kept', async (t) => {
  const house = await build(t)
  const columns = HEADERS['tmdb-v11'].split(',')
  let budget = 1_000_000
  const load = async (header: string[], request = {}) => {
    const text = fileOf('tmdb-v11', [{ budget: String(++budget) }], header.join(','))
    return await house.load(await house.file('dump.csv', text), { format: 'tmdb-v11', ...request })
  }
  t.match(await load(columns), { id: 1, state: 'published', notes: { length: 0 }, files: [{ columns }] })
  t.strictSame((await house.get('/v1/loads/1')).body.files[0].columns, columns)
  t.match(await load(columns.toReversed()), { notes: { length: 0 }, files: [{ columns: columns.toReversed() }] })

  const fewer = columns.filter((column) => !['adult', 'tagline'].includes(column))
  t.match(await load([...columns, 'keywords', '']), {
    id: 3,
    notes: ['dump.csv: columns appeared since load 2: keywords, (without a name)'],
  })
  // What was held, readers have not been given.
  t.match(await load(fewer, { hold: true }), {
    id: 4,
    notes: ['dump.csv: columns vanished since load 3: adult, tagline, keywords, (without a name)'],
  })
  t.match(await load(['new', ...fewer], { dryRun: true }), {
    id: 5,
    state: 'checked',
    notes: ['dump.csv: columns appeared since load 3: new; vanished: adult, tagline, keywords, (without a name)'],
  })
  // Of what is read the film knows nothing then, and that is all.
  const popular = columns.filter((column) => column !== 'popularity')
  t.match(await load(popular), { id: 6, state: 'published', files: [{ warnings: 0 }] })
  t.match((await house.get('/v1/movies/films')).body.data, [{ film_id: 1, popularity: null, vote_count: 5415 }])
  t.match(await load(columns.filter((column) => !['budget', 'genres'].includes(column))), {
    id: 7,
    state: 'failed',
    error: /^dump\.csv has no column budget, genres: its columns are id, title, /,
  })

  const other = await house.load(await house.file('movie_metadata.csv', fileOf('imdb-5000', [{}])))
  t.match(other, { id: 8, state: 'published', notes: { length: 0 } }, 'another format is another header')
  t.match(await house.load(await house.file('movies.json', WHOLE_VEGA)), {
    notes: { length: 0 },
    files: [{ columns: null }],
  })
  t.match(await load([...popular, 'adult2']), { notes: ['dump.csv: columns appeared since load 6: adult2'] })

  const wide = Array.from({ length: 30 }, (_, index) => `column ${index} ${'x'.repeat(index === 0 ? 100 : 0)}`.trim())
  const [note] = (await load([...popular, 'adult2', ...wide])).notes as [string]
  t.match(note, /appeared since load 10: column 0 x{31}…, column 1, .*column 19 and 10 more$/)

  // Readers were taken back to load 10; then one load is held, and one of another format comes between.
  const back = { method: 'POST', url: '/v1/admin/subjects/movies/rollback' } as const
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
  t.equal((await house.app.inject({ ...back, headers, payload: { to: 10 } })).statusCode, 200)
  t.match(await load([...popular, 'adult2']), { id: 12, state: 'published', notes: { length: 0 } })
  t.match(await load([...popular, 'adult2', 'held'], { hold: true }), { state: 'held', notes: { length: 1 } })
  t.match(await house.load(await house.file('movie_metadata.csv', fileOf('imdb-5000', [{}, {}]))), {
    state: 'published',
  })
  t.match(await load([...popular, 'adult2']), { id: 15, state: 'published', notes: { length: 0 } })
})

t.test('a file of the format’s own name that lost a telling column is read, and says so', async (t) => {
  const house = await build(t)
  const [header = '', ...lines] = metadata(sound(2)).split('\n')
  const lost = [header.replace('belongs_to_collection', 'collection'), ...lines].join('\n')
  t.match(await house.load(await house.file('movies_metadata.csv', metadata(sound(1)))), { state: 'published' })
  t.match(await house.load(await house.file('movies_metadata.csv', lost)), {
    state: 'published',
    format: 'the-movies-dataset',
    notes: ['movies_metadata.csv: columns appeared since load 1: collection; vanished: belongs_to_collection'],
  })
  t.match(await taken('movies_metadata-2026-11-21.csv', lost), 'the-movies-dataset')
  t.match(await taken('other.csv', lost), /to be the-movies-dataset it lacks belongs_to_collection;/)
})

t.test('a rejected record is replayed under the header that it stood under', async (t) => {
  const house = await build(t)
  const first = await house.load(await house.file('any.csv', fileOf('imdb-5000', [{}, { movie_title: '' }])))
  t.match(first, { state: 'published', files: [{ loaded: 1, rejected: 1 }] })
  const [, , record = ''] = fileOf('imdb-5000', [{}, { movie_title: 'Mended' }]).split('\n')
  const again = await house.load('any.csv', {
    mode: 'merge',
    replayOf: first.id,
    mended: [{ file: 'any.csv', line: 3, raw: record }],
  })
  t.match(again, { state: 'published', files: [{ loaded: 1, rejected: 0, columns: HEADERS['imdb-5000'].split(',') }] })
  const { body } = await house.get('/v1/movies/films?fields=title,source_line&sort=source_line')
  t.strictSame(body.data, [
    { title: 'Film 1', source_line: 2 },
    { title: 'Mended', source_line: 3 },
  ])
})
