import { writeLines } from '../../generate/csv-file.ts'
import type { World } from './world.ts'

/** `links.csv`: the MovieLens id of each film, with lines that end in CR LF. */
export interface LinksSummary {
  path: string
  bytes: number
  records: number
  /** Links that leave the film blank, name one that another link names, or one that the metadata lacks. */
  blank: number
  repeated: number
  absent: number
}

/** What a link has in place of a film's number. */
export const NO_FILM = { absent: -1, blank: -2, noLink: -3 }

/** MovieLens ids have gaps, more of them than numbers in use; here they are the ids of links 0, 1, 2, … */
export const movieLensId = (link: number) => 1 + Math.floor(3.84 * link)

/** @returns `filmOf`, too: by link, the number of the film that ratings come to, or why they come to none */
export async function writeLinks(path: string, world: World): Promise<{ links: LinksSummary; filmOf: Int32Array }> {
  const links: LinksSummary = { path, bytes: 0, records: 0, blank: 0, repeated: 0, absent: 0 }
  // At most: films, twice; those that the metadata lacks; and a few that no link names.
  const filmOf = new Int32Array(2 * world.films + 1000)
  function* lines(): Generator<string> {
    yield 'movieId,imdbId,tmdbId\r\n'
    const line = (film: number, means: number) => {
      const id = movieLensId(links.records)
      filmOf[links.records++] = means
      const tmdbId = means === NO_FILM.blank ? '' : world.id(film)
      return `${id},${String(world.imdb(film)).padStart(7, '0')},${tmdbId}\r\n`
    }
    for (const film of world.numbers()) {
      if (film >= world.films) {
        links.absent++
        yield line(film, NO_FILM.absent)
        continue
      }
      if (world.has('blankLink', film)) {
        links.blank++
        yield line(film, NO_FILM.blank)
        continue
      }
      yield line(film, film)
      if (world.has('repeatedLink', film)) {
        links.repeated++
        yield line(film, film)
      }
    }
  }
  links.bytes = await writeLines(path, lines())
  return { links, filmOf: filmOf.subarray(0, links.records) }
}
