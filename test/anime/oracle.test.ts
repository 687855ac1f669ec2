import path from 'node:path'
import { parse } from 'csv-parse/sync'
import t from 'tap'
import { generateAnime } from '../../ingest/anime/generate.ts'
import { build } from '../build.ts'
import { type Anime, readFolder, topRated, watched, years } from './oracle.ts'

type Row = Record<string, number | string | null | undefined>

t.test('reports tell what a calculation of its own makes of the same files', async (t) => {
  const house = await build(t)
  const folder = path.join(house.folder, 'generated')
  await generateAnime({ out: folder, titles: 700, ratings: 30_000, seed: 11 })
  t.match(await house.load(folder, { subject: 'anime' }), { state: 'published' })
  const { titles, entries } = await readFolder(folder)
  /** All rows of a report, by the columns that the calculation has. */
  const rows = async (url: string): Promise<Row[]> => {
    const { body } = await house.app.inject({ url: `/v1/anime/${url}${url.includes('?') ? '&' : '?'}format=ndjson` })
    return body
      .trimEnd()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  }
  const of = (told: Row[], wanted: Row[]) => {
    const columns = Object.keys(wanted[0] as Row)
    return told.map((row) => Object.fromEntries(columns.map((column) => [column, row[column]])))
  }
  const byId = (some: Row[]) => [...some].sort((a, b) => Number(a.anime_id) - Number(b.anime_id))

  for (const [asked, given] of [
    ['min_scores=1', { min: 1, prior: 50 }],
    ['', { min: 10, prior: 50 }],
    ['min_scores=3&prior_scores=7', { min: 3, prior: 7 }],
    ['min_scores=3&prior_scores=0', { min: 3, prior: 0 }],
  ] as const)
    await t.test(`top-rated ${asked}`, async (t) => {
      const wanted = topRated(entries, given)
      t.ok(wanted.length > 100)
      t.strictSame(of(await rows(`top-rated?${asked}&sort=anime_id`), wanted), byId(wanted))
    })
  const order = (await rows('top-rated')).map(({ score_bayesian }) => Number(score_bayesian))
  t.strictSame(
    order,
    [...order].sort((a, b) => b - a),
    'the best come first',
  )

  const wanted = watched(entries, titles)
  for (const name of ['most-watched', 'completion'])
    await t.test(name, async (t) => {
      const told = await rows(`${name}?sort=anime_id`)
      const columns = Object.keys(wanted[0] as Row).filter((column) => column in (told[0] as Row))
      t.ok(columns.length > 6)
      const own = byId(wanted).map((row) => Object.fromEntries(columns.map((column) => [column, row[column]])))
      t.strictSame(of(told, own), own)
    })
  const movies = wanted.filter(({ anime_id }) => titles.get(anime_id)?.type === 'Movie')
  t.strictSame(of(await rows('most-watched?type=Movie&sort=anime_id'), [{ anime_id: 0, users: 0 }]), [
    ...byId(movies).map(({ anime_id, users }) => ({ anime_id, users })),
  ] as Row[])

  for (const [name, by, column] of [
    ['genre-years', 'genres', 'genre'],
    ['studio-years', 'studios', 'studio'],
  ] as const)
    await t.test(name, async (t) => {
      const cells = years(entries, titles, by)
      const told = await rows(name)
      t.equal(told.length, cells.size)
      for (const row of told) {
        const cell = cells.get(`${row[column]} ${row.year}`)
        t.strictSame(of([row], [cell as unknown as Row]), [cell as unknown as Row], `${row[column]} ${row.year}`)
      }
      const { excluded } = (await house.get(`/v1/anime/${name}?limit=1`)).body.meta
      const all = [...titles.values()]
      const dated = all.filter(({ year }) => year !== null)
      t.strictSame(excluded, {
        undated: all.length - dated.length,
        [`no_${column}`]: dated.filter((title) => title[by].length === 0).length,
      })
      await drilledThrough(t, told, column, titles)
    })

  await t.test('ratings', async (t) => {
    const { body } = await house.app.inject({ url: '/v1/anime/ratings?format=csv' })
    const [, ...told] = parse(body) as string[][]
    const sorted = entries.sort((a, b) => a.user - b.user || a.title - b.title)
    t.strictSame(
      told.map((cells) => cells.slice(0, 5).join()),
      sorted.map(({ user, title, score, status, episodes }) => [user, title, score || '', status, episodes].join()),
    )
  })

  /** The titles that are behind a row are those that its filters find. */
  async function drilledThrough(t: Tap, told: Row[], by: 'genre' | 'studio', titles: Map<number, Anime>) {
    const some = told.filter((_, index) => index % Math.ceil(told.length / 15) === 0)
    for (const row of some) {
      const found = await rows(`titles?${by}_id=${row[`${by}_id`]}&year=${row.year}`)
      const members = [...titles.values()].filter(
        (title) => title.year === row.year && title[`${by}s`].includes(row[by] as string),
      )
      t.strictSame(
        found.map(({ anime_id }) => anime_id),
        members.map(({ id }) => id).sort((a, b) => a - b),
      )
      t.equal(found.length, row.titles)
    }
  }
})

type Tap = { strictSame(a: unknown, b: unknown): boolean; equal(a: unknown, b: unknown): boolean }
