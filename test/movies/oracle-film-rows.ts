import { wholeCell } from './exact.ts'
import type { Snapshot } from './oracle.ts'
import { decimalOrNull, dollarsOrNull, integer, type Portion, type Row, rated, yearOf } from './oracle-figures.ts'
import { suspicions } from './oracle-filters.ts'

/** A film as `films` shows it. */
export function filmRow({ film, budget, revenue }: Portion, { fileName, fileDate, loadId, ratings }: Snapshot): Row {
  return {
    film_id: wholeCell(film.id),
    title: film.title,
    release_date: film.releaseDate || null,
    release_precision: film.releasePrecision,
    year: film.releaseDate === '' ? null : wholeCell(yearOf(film)),
    status: film.status || null,
    original_language: film.originalLanguage || null,
    content_rating: film.contentRating || null,
    collection_id: film.collection && wholeCell(film.collection.id),
    runtime: Number(film.runtime) === 0 ? null : decimalOrNull(film.runtime),
    budget: dollarsOrNull(budget),
    revenue: dollarsOrNull(revenue),
    profit: budget === null && revenue === null ? null : dollarsOrNull((revenue ?? 0n) - (budget ?? 0n)),
    popularity: decimalOrNull(film.popularity),
    vote_average: decimalOrNull(film.voteAverage),
    vote_count: film.voteCount === '' ? null : wholeCell(integer(film.voteCount)),
    ...rated([film], ratings ?? null),
    suspect: suspicions(film, fileDate),
    source_file: fileName,
    source_line: wholeCell(film.line),
    load_id: wholeCell(loadId),
    source_load_id: wholeCell(loadId),
  }
}
