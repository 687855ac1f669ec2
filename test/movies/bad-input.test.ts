import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { ADMIN_TOKEN, build } from '../build.ts'
import { metadata, sound, vega } from './sources.ts'

/**
 * Whatever a file holds, a load of it ends in one of two ways: as a failure in a sentence, with readers where they were, or with
 * every record accounted for.
 */

const house = await build(t)
await house.load(await house.file('before/movies_metadata.csv', metadata(sound(3))))
const reports = ['/v1/movies/company-years', '/v1/movies/genre-years', '/v1/movies/films']
const seen = () => Promise.all(reports.map(async (url) => (await house.get(url)).body))
const seenBefore = await seen()

const CSV = 'movies_metadata.csv'
const JSON_FILE = 'movies.json'
let folders = 0
const place = async (name: string, content: string | Buffer) => await house.file(`${++folders}/${name}`, content)

/** What no answer may hold: folders, SQL, stacks. */
const hidden = /\/tmp|\/dev\/shm|secret|\d+\/m|select |insert |stage_|\bat .*:\d+|node_modules|password/i

const cut = (text: string, behind: string) => text.slice(0, text.indexOf(behind) + behind.length)
const three = metadata(sound(3))
const vegaThree = vega(['', '', ''])
const withQuoted = metadata([{}, {}, { overview: 'A plot, in two\nparagraphs.' }])

const unreadable: [what: string, name: string, content: string | Buffer, error: string][] = [
  ['an empty CSV file', CSV, '', 'movies_metadata.csv is empty'],
  ['an empty JSON file', JSON_FILE, '', 'movies.json is empty'],
  [
    'another header',
    CSV,
    'userId,movieId,rating\n1,2,3.5\n',
    'movies_metadata.csv has no column id, title, release_date, budget, revenue, genres, production_companies: its columns are userId, movieId, rating',
  ],
  [
    'a repeated column',
    CSV,
    three.replace('adult,', 'title,'),
    'movies_metadata.csv has more than one column named title',
  ],
  [
    'a picture',
    CSV,
    Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'),
    'movies_metadata.csv is not UTF-8 text: its first line holds bytes that no such text has (another encoding, or a binary file)',
  ],
  [
    'a compressed file',
    CSV,
    gzipSync(randomBytes(5000)),
    'movies_metadata.csv is not UTF-8 text: it looks like a gzip file',
  ],
  [
    'a compressed JSON file',
    JSON_FILE,
    gzipSync(vegaThree),
    'movies.json is not UTF-8 text: it looks like a gzip file',
  ],
  [
    'line ends of CR alone',
    CSV,
    metadata(sound(3), { lineEnd: '\r', columns: ['id', 'title'] }),
    'movies_metadata.csv has no column',
  ],
  [
    'a file cut in the middle of a quoted cell',
    CSV,
    cut(withQuoted, 'in two\npara'),
    'movies_metadata.csv has a quote that is never closed, in the record that starts at line 4',
  ],
  [
    'a quote that is never closed, with films behind it',
    CSV,
    `${three}4,"Film 4,1995-10-30\n${'5,Film 5,1995-10-31\n'.repeat(1000)}`,
    'movies_metadata.csv has a quote that is never closed, in the record that starts at line 5',
  ],
  [
    'JSON cut in the middle of a record',
    JSON_FILE,
    cut(vegaThree, '"Film 3"'),
    'movies.json ends inside its JSON array, after record 2: it is cut short',
  ],
  [
    'JSON cut in the middle of a text',
    JSON_FILE,
    cut(vegaThree, '"Film 3'),
    'movies.json ends inside its JSON array, after record 2: it is cut short',
  ],
  [
    'JSON broken in the middle',
    JSON_FILE,
    vegaThree.replace('"Film 2"', 'Film 2'),
    'movies.json is not valid JSON after record 1, near byte',
  ],
  [
    'JSON that is an object',
    JSON_FILE,
    '{"films": []}',
    'movies.json is not a JSON array of objects: it begins with an object',
  ],
  [
    'JSON that is a number',
    JSON_FILE,
    '42',
    'movies.json is not a JSON array of objects: it begins with a single value',
  ],
  ['text called JSON', JSON_FILE, 'films', 'movies.json is not valid JSON after record 0, near byte 0'],
  [
    'a JSON element of 10 MB',
    JSON_FILE,
    vega(['', `"Director": "${'x'.repeat(10 << 20)}"`]),
    'movies.json holds an element larger than 4 MiB: record 2',
  ],
]

t.test('a file that cannot be read fails its load in a sentence, and readers stay where they are', async (t) => {
  for (const [what, name, content, error] of unreadable) {
    const load = await house.load(await place(name, content))
    t.equal(load.state, 'failed', what)
    t.equal(load.error?.slice(0, error.length), error, what)
  }
  const nowhere = `${house.folder}/secret-folder/nothing.csv`
  t.match(await house.load(nowhere), { state: 'failed', error: 'nothing.csv: no such file or folder' })
  t.match(await house.load(house.folder), {
    state: 'failed',
    error:
      / has no movies_metadata\.csv \(the-movies-dataset\) or .+ or movies\.json \(vega-movies\), nor another file with its columns$/,
  })
  await house.file('folders/movies_metadata.csv/film', '')
  t.match(await house.load(`${house.folder}/folders`), {
    state: 'failed',
    error: /^the folder folders has no movies_metadata.csv/,
  })
  t.match(await house.load(nowhere, { format: 'imdb' }), { state: 'failed' })
  t.match(await house.load('s3://key:secret@bucket/films.csv?token=1'), {
    state: 'failed',
    error: 'an S3 source is written s3://bucket/key or s3://bucket/prefix/',
  })
  t.strictSame(await seen(), seenBefore)

  const { body } = await house.get('/v1/loads?state=failed&limit=1000')
  t.equal(body.data.length, unreadable.length + 5)
  for (const { error } of body.data) t.notMatch(error, hidden)
})

t.test('a file without films is no load that anybody sees', async (t) => {
  for (const [name, content] of [
    [CSV, metadata([])],
    [JSON_FILE, '[]'],
    [JSON_FILE, '[{"name": "another shape"}, {"name": "of record"}]'],
  ] as const) {
    const load = await house.load(await place(name, content))
    t.match(load, { state: 'blocked', error: null })
    const { body } = await house.get(`/v1/loads/${load.id}/checks`)
    t.match(body.data, [{ name: 'film_row_count', passed: false, observed: '0 rows' }])
  }
  t.strictSame(await seen(), seenBefore)
})

t.test(
  'from 100 records on, more than one reject in a hundred blocks the load, and so do files without a sound record',
  async (t) => {
    const withRejects = (records: number, rejects: number) =>
      metadata(sound(records).map((film, index) => (index < rejects ? { id: 'none' } : film)))
    for (const [records, rejects, state] of [
      [99, 98, 'held'],
      [1, 1, 'blocked'],
      [100, 1, 'held'],
      [100, 2, 'blocked'],
      [500, 5, 'held'],
      [500, 6, 'blocked'],
    ] as const) {
      const load = await house.load(await place(CSV, withRejects(records, rejects)), { hold: true })
      t.match(load, { state, files: [{ read: records, rejected: rejects, loaded: records - rejects }] })
      const { body } = await house.get(`/v1/loads/${load.id}/checks`)
      const check = body.data.find(({ name }: { name: string }) => name === 'reject_rate')
      const where = state === 'held' ? '' : ` of ${CSV}`
      t.match(check, { passed: state === 'held', observed: `${rejects} of ${records}${where} rejected` })
    }
    t.strictSame(await seen(), seenBefore)
  },
)

t.test('byte order mark, CRLF and mixed line ends change nothing but the lines', async (t) => {
  const plain = metadata([{}, { overview: 'one\ntwo' }, {}])
  const contents = [plain, `\uFEFF${plain}`, plain.replaceAll('\n', '\r\n'), plain.replace('\n1', '\r\n\r\n1')]
  for (const content of contents) {
    const load = await house.load(await place(CSV, content), { force: true })
    t.match(load, { state: 'published', files: [{ read: 3, loaded: 3, warnings: 0 }] })
    t.match((await house.get('/v1/movies/films')).body.data, [{ film_id: 1 }, { film_id: 2 }, { film_id: 3 }])
    t.equal((await house.get('/v1/movies/films/3')).body.data.source_line, content.includes('\r\n\r\n') ? 6 : 5)
  }
  const json = await house.load(await place(JSON_FILE, `\uFEFF${vegaThree.replaceAll('\n', '\r\n')}`))
  t.match(json, { state: 'published', files: [{ read: 3, loaded: 3, warnings: 0 }] })
})

t.test('the text of what was left out is for admins; nobody sees folders, SQL or a stack', async (t) => {
  const load = await house.load(
    await place(CSV, metadata([{}, { id: 'x', overview: 'for admins' }, { budget: '1.5' }])),
  )
  const ask = async (query: string, authorization?: string) =>
    (
      await house.app.inject({
        url: `/v1/loads/${load.id}/rejects${query}`,
        headers: { ...(authorization && { authorization }) },
      })
    ).body
  for (const query of ['', '?format=csv']) {
    const shown = await ask(query)
    t.match(shown, /bad_id[\s\S]+bad_money/)
    t.notMatch(shown, /for admins|raw/)
    t.notMatch(shown, hidden)
    const all = await ask(query, `Bearer ${ADMIN_TOKEN}`)
    t.match(all, /for admins/)
    t.match(all, /raw/)
    t.match(await ask(query, 'Bearer another-token-0123456789'), /The token is not valid/)
  }
  t.notMatch(JSON.stringify((await house.get(`/v1/loads/${load.id}`)).body), hidden)
})
