import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'csv-parse/sync'

/**
 * What reports on anime must tell, worked out from the files by plain JavaScript over whole numbers: nothing of it is shared with the
 * program.
 */

export interface Anime {
  id: number
  type: string | null
  episodes: number | null
  year: number | null
  siteScore: bigint | null
  genres: string[]
  studios: string[]
}

export interface Entry {
  user: number
  title: number
  score: number
  status: number
  episodes: number
}

export async function readFolder(folder: string): Promise<{ titles: Map<number, Anime>; entries: Entry[] }> {
  const records = async (name: string): Promise<Record<string, string>[]> =>
    parse(await readFile(path.join(folder, name)), { columns: true })
  const titles = new Map((await records('anime.csv')).map(titleOf).map((title) => [title.id, title]))
  const last = new Map<string, Entry>()
  for (const record of await records('animelist.csv')) {
    const [user, title, score, status, episodes] = Object.values(record).map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ]
    if (score <= 10 && [1, 2, 3, 4, 6].includes(status))
      last.set(`${user} ${title}`, { user, title, score, status, episodes })
  }
  return { titles, entries: [...last.values()].filter(({ title }) => titles.has(title)) }
}

function titleOf(record: Record<string, string>): Anime {
  const known = (column: string) => (record[column] === 'Unknown' ? null : (record[column] as string))
  const list = (column: string) => [...new Set(known(column)?.split(', ') ?? [])]
  const year = /\d{4}/.exec(known('Premiered') ?? known('Aired') ?? '')?.[0]
  const score = known('Score')
  return {
    id: Number(record.MAL_ID),
    type: known('Type'),
    episodes: known('Episodes') === null ? null : Number(known('Episodes')),
    year: year === undefined ? null : Number(year),
    // The generator writes two decimals.
    siteScore: score === null ? null : BigInt(score.replace('.', '')),
    genres: list('Genres'),
    studios: list('Studios'),
  }
}

/** A quotient of whole numbers, to six decimals half up; null without a divisor. */
export function quotient(over: bigint | number, under: bigint | number): number | null {
  const [a, b] = [BigInt(over), BigInt(under)]
  if (b === 0n) return null
  return Number((2n * a * 1_000_000n + b) / (2n * b)) / 1e6
}

const sum = (numbers: number[]) => numbers.reduce((total, one) => total + one, 0)

export function topRated(entries: Entry[], { min, prior }: { min: number; prior: number }) {
  const all = entries.filter(({ score }) => score > 0)
  const [n, s] = [BigInt(all.length), BigInt(sum(all.map(({ score }) => score)))]
  return byTitle(all)
    .filter(([, scored]) => scored.length >= min)
    .map(([anime_id, scored]) => {
      const [own, of] = [BigInt(scored.length), BigInt(sum(scored.map(({ score }) => score)))]
      const bayesian = quotient(BigInt(prior) * s + n * of, n * (BigInt(prior) + own))
      return { anime_id, scores: scored.length, score_average: quotient(of, own), score_bayesian: bayesian }
    })
}

export function watched(entries: Entry[], titles: Map<number, Anime>) {
  return byTitle(entries).map(([anime_id, had]) => {
    const of = (...codes: number[]) => had.filter(({ status }) => codes.includes(status))
    const [completed, dropped] = [of(2).length, of(4).length]
    const watchers = of(1, 2, 3, 4)
    const episodes = (titles.get(anime_id) as Anime).episodes
    const seen = episodes === null ? null : sum(watchers.map((entry) => Math.min(entry.episodes, episodes)))
    return {
      ...{ anime_id, watching: of(1).length, completed, on_hold: of(3).length, dropped, planned: of(6).length },
      ...{ users: had.length, watchers: watchers.length, episodes, episodes_seen: seen },
      seen_share: seen === null ? null : quotient(seen, (episodes as number) * watchers.length),
      watchers_above: episodes === null ? null : watchers.filter((entry) => entry.episodes > episodes).length,
      drop_rate: quotient(dropped, completed + dropped),
    }
  })
}

export function years(entries: Entry[], titles: Map<number, Anime>, by: 'genres' | 'studios') {
  const scored = new Map(byTitle(entries.filter(({ score }) => score > 0)))
  const cells = new Map<string, Anime[]>()
  for (const title of titles.values())
    for (const name of title[by])
      if (title.year !== null) {
        const cell = `${name} ${title.year}`
        cells.set(cell, [...(cells.get(cell) ?? []), title])
      }
  return new Map(
    [...cells].map(([cell, members]) => {
      const lengths = members.flatMap(({ episodes }) => (episodes === null ? [] : [episodes]))
      const scores = members.flatMap(({ id }) => scored.get(id) ?? []).map(({ score }) => score)
      const sites = members.flatMap(({ siteScore }) => (siteScore === null ? [] : [siteScore]))
      return [
        cell,
        {
          titles: members.length,
          episodes: lengths.length === 0 ? null : sum(lengths),
          episodes_known: lengths.length,
          scores: scores.length,
          score_average: quotient(sum(scores), scores.length),
          score_average_known: members.filter(({ id }) => scored.has(id)).length,
          site_score: quotient(
            sites.reduce((total, one) => total + one, 0n),
            100 * sites.length,
          ),
          site_score_known: sites.length,
        },
      ]
    }),
  )
}

function byTitle(entries: Entry[]): [title: number, entries: Entry[]][] {
  const titles = new Map<number, Entry[]>()
  for (const entry of entries) {
    const those = titles.get(entry.title)
    if (those) those.push(entry)
    else titles.set(entry.title, [entry])
  }
  return [...titles]
}
