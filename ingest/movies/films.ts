import { type RawBuilder, sql } from 'kysely'
import { keepLast, recordColumns } from '../keep-last.ts'
import type { Film } from './film.ts'
import type { Merging, MovieFamily } from './merging.ts'

/** Films and their lists as they were read, duplicates included; `record` is the order of reading. */
const stageTables = {
  stage_film: {
    ...recordColumns,
    film_id: 'bigint',
    key: 'text',
    title: 'text',
    original_title: 'text',
    imdb_id: 'text',
    release_date: 'date',
    release_precision: 'text',
    status: 'text',
    original_language: 'text',
    collection_id: 'bigint',
    content_rating: 'text',
    runtime: 'numeric',
    budget: 'bigint',
    revenue: 'bigint',
    popularity: 'numeric',
    vote_average: 'numeric',
    vote_count: 'bigint',
    overview: 'text',
    tagline: 'text',
    homepage: 'text',
    poster_path: 'text',
    suspect: 'text[]',
  },
  stage_company: { record: 'bigint', company_id: 'bigint', name: 'text' },
  stage_genre: { record: 'bigint', genre_id: 'bigint', name: 'text' },
  stage_collection: { record: 'bigint', collection_id: 'bigint', name: 'text' },
  stage_country: { record: 'bigint', country_code: 'text', name: 'text' },
  stage_language: { record: 'bigint', language_code: 'text', name: 'text' },
}

export const films: MovieFamily<Film> = {
  name: 'films',
  facts: ['film', 'film_text', 'film_company', 'film_genre', 'film_country', 'film_language'],
  heavyFacts: [],
  dimensions: ['company', 'genre', 'collection', 'country', 'language'],
  stageTables,
  anyIdSpace: false,
  stage(stager, film, at) {
    const { record } = at
    stager.add('stage_film', [
      record,
      at.fileNo,
      at.line,
      at.digest,
      film.id,
      film.key,
      film.title,
      film.originalTitle,
      film.imdbId,
      film.releaseDate,
      film.releasePrecision,
      film.status,
      film.originalLanguage,
      film.collection?.id,
      film.contentRating,
      film.runtime,
      film.budget,
      film.revenue,
      film.popularity,
      film.voteAverage,
      film.voteCount,
      film.overview,
      film.tagline,
      film.homepage,
      film.posterPath,
      `{${film.suspect.join(',')}}`,
    ])
    if (film.collection) stager.add('stage_collection', [record, film.collection.id, film.collection.name])
    for (const { id, name } of film.companies) stager.add('stage_company', [record, id, name])
    for (const { id, name } of film.genres) stager.add('stage_genre', [record, id, name])
    for (const { code, name } of film.countries) stager.add('stage_country', [record, code, name])
    for (const { code, name } of film.languages) stager.add('stage_language', [record, code, name])
    for (const { id, name, job } of film.crew) stager.add('stage_crew', [record, id, name, job, ''])
    for (const { id, name } of film.keywords) stager.add('stage_keyword', [record, id, name])
  },

  async merge(merging) {
    const { scope, load } = merging
    const part = scope.part(films)
    await keepLast(merging, {
      stage: 'stage_film',
      kept: 'kept',
      key: ['film_id'],
      thing: sql`format('film %s', found.film_id)`,
    })
    if (merging.isReplay) await leaveOutdated(merging)
    const fillFact = (table: string, columns: string, rows: RawBuilder<unknown>) =>
      merging.fillFact(films, table, columns, rows, 'kept')
    await fillFact(
      'film',
      `film_id, title, original_title, imdb_id, release_date, release_precision, status, original_language, collection_id, content_rating,
       runtime, budget, revenue, popularity, vote_average, vote_count, suspect, source_load_id, source_file_no, source_line`,
      sql`select ${load}::integer, f.film_id, title, original_title, imdb_id, release_date, release_precision, status,
                 original_language, collection_id, content_rating, runtime, budget, revenue, popularity, vote_average, vote_count,
                 array_remove(array[
                   case when budget < 1000 then 'budget_under_1000' end,
                   case when revenue < 1000 then 'revenue_under_1000' end,
                   case when budget < 1000 and revenue > 1000000 then 'revenue_over_1000000_on_budget_under_1000' end,
                   case when release_date > ${scope.fileDate}::date then 'released_after_file' end
                 ], null) || f.suspect,
                 ${sql.lit(scope.sourceLoadId)}::integer, file_no, line
          from stage_film f join kept using (record)`,
    )
    await fillFact(
      'film_text',
      'film_id, overview, tagline, homepage, poster_path',
      sql`select ${load}::integer, kept.film_id, overview, tagline, homepage, poster_path
          from stage_film join kept using (record)
          where coalesce(overview, tagline, homepage, poster_path) is not null`,
    )
    /** What a film lists twice counts once. */
    const links = (id: string, table: string) => sql`
      select distinct ${load}::integer, kept.film_id, ${sql.ref(id)} from ${sql.table(table)} join kept using (record)`
    await fillFact('film_company', 'film_id, company_id', links('company_id', 'stage_company'))
    await fillFact('film_genre', 'film_id, genre_id', links('genre_id', 'stage_genre'))
    await fillFact('film_country', 'film_id, country_code', links('country_code', 'stage_country'))
    await fillFact('film_language', 'film_id, language_code', links('language_code', 'stage_language'))

    const named = (id: string, table: string) =>
      merging.mostFrequentName(
        id,
        sql`select record, ${sql.ref(id)}, name from ${sql.table(table)} join kept using (record)`,
      )
    const dimension = (table: string, id: string, linked: RawBuilder<unknown>) =>
      merging.fillDimension(part, table, id, named(id, `stage_${table}`), linked)
    await dimension('company', 'company_id', merging.linked('film_company', 'company_id'))
    await dimension('genre', 'genre_id', merging.linked('film_genre', 'genre_id'))
    await dimension(
      'collection',
      'collection_id',
      sql`${merging.linked('film', 'collection_id')} where collection_id is not null`,
    )
    await dimension('country', 'country_code', merging.linked('film_country', 'country_code'))
    await merging.fillDimension(
      part,
      'language',
      'language_code',
      // The original language is a code alone; it is a language even when no film says its name.
      sql`select distinct on (language_code) ${load}::integer, language_code, name
          from (select language_code, name, count(distinct record) as films
                from stage_language join kept using (record) group by language_code, name
                union all
                select distinct original_language, null, 0
                from stage_film join kept using (record) where original_language is not null) as named
          order by language_code, name is null, films desc, name collate "C"`,
      sql`${merging.linked('film_language', 'language_code')} union
          ${merging.linked('film', 'original_language')} where original_language is not null`,
    )
  },
}

/**
 * Of replayed records, those whose film the base has from a later line or load are out of date: they go to the ledger, too. The base
 * would have been the same had they been read in their turn.
 */
async function leaveOutdated({ trx, scope }: Merging): Promise<void> {
  const { loadId, sourceLoadId } = scope
  const { base } = scope.part(films)
  await sql`
    with outdated as (
      delete from kept using stage_film staged, movies.film later
      where staged.record = kept.record and later.load_id = ${base?.loadId} and later.film_id = kept.film_id
        and (later.source_load_id, later.source_file_no, later.source_line) > (${sourceLoadId}, staged.file_no, staged.line)
      returning kept.film_id, staged.file_no, staged.line, later.source_load_id, later.source_line)
    insert into reelhouse.reject (load_id, file, line, code, severity, column_name, reason)
    select ${loadId}, file.name, outdated.line, 'superseded', 'duplicate', null,
           format('film %s was read later, at line %s of load %s; that one is kept', film_id, source_line, source_load_id)
    from outdated join reelhouse.load_file file on file.load_id = ${loadId} and file.file_no = outdated.file_no`.execute(
    trx,
  )
}
