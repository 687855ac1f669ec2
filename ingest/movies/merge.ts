import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { MergeResult, MergeScope } from '../subject.ts'

/**
 * From what was read to a snapshot: one record a film survives, names become ids where the source has none, and what is left
 * over is entered in the ledger. Everything is set-based, and the order of lines decides nothing but which record of one film wins.
 */
export async function merge(trx: Transaction<unknown>, scope: MergeScope): Promise<MergeResult> {
  if (scope.format.idSpace === 'reelhouse') await identifyByName(trx)
  await keepLastOfEach(trx, scope)
  const rowCounts: Record<string, number> = {}
  const fill = async (table: string, columns: string, rows: RawBuilder<unknown>) => {
    const { numAffectedRows } = await sql`
      insert into ${scope.table(table)} (load_id, ${sql.raw(columns)}) ${rows}`.execute(trx)
    rowCounts[table] = Number(numAffectedRows)
  }
  const load = sql.lit(scope.loadId)

  await fill('company', 'company_id, name', mostFrequentName(load, 'company_id', 'stage_company'))
  await fill('genre', 'genre_id, name', mostFrequentName(load, 'genre_id', 'stage_genre'))
  await fill('collection', 'collection_id, name', mostFrequentName(load, 'collection_id', 'stage_collection'))
  await fill('person', 'person_id, name', mostFrequentName(load, 'person_id', 'stage_crew'))
  await fill('country', 'country_code, name', mostFrequentName(load, 'country_code', 'stage_country'))
  await fill(
    'language',
    'language_code, name',
    // The original language is a code alone; it is a language even when no film says its name.
    sql`select distinct on (language_code) ${load}::integer, language_code, name
        from (select language_code, name, count(*) as films
              from stage_language join kept using (record) group by language_code, name
              union all
              select distinct original_language, null, 0
              from stage_film join kept using (record) where original_language is not null) as named
        order by language_code, name is null, films desc, name collate "C"`,
  )
  await fill(
    'film',
    `film_id, title, original_title, imdb_id, release_date, status, original_language, collection_id, content_rating,
     runtime, budget, revenue, popularity, vote_average, vote_count, suspect, source_load_id, source_file_no, source_line`,
    sql`select ${load}::integer, f.film_id, title, original_title, imdb_id, release_date, status, original_language,
               collection_id, content_rating, runtime, budget, revenue, popularity, vote_average, vote_count,
               array_remove(array[
                 case when budget < 1000 then 'budget_under_1000' end,
                 case when revenue < 1000 then 'revenue_under_1000' end,
                 case when budget < 1000 and revenue > 1000000 then 'revenue_over_1000000_on_budget_under_1000' end,
                 case when release_date > ${scope.fileDate}::date then 'released_after_file' end
               ], null),
               ${load}::integer, file_no, line
        from stage_film f join kept using (record)`,
  )
  await fill(
    'film_text',
    'film_id, overview, tagline, homepage, poster_path',
    sql`select ${load}::integer, kept.film_id, overview, tagline, homepage, poster_path
        from stage_film join kept using (record)
        where coalesce(overview, tagline, homepage, poster_path) is not null`,
  )
  await fill('film_company', 'film_id, company_id', links(load, sql`company_id`, 'stage_company'))
  await fill('film_genre', 'film_id, genre_id', links(load, sql`genre_id`, 'stage_genre'))
  await fill('film_country', 'film_id, country_code', links(load, sql`country_code`, 'stage_country'))
  await fill('film_language', 'film_id, language_code', links(load, sql`language_code`, 'stage_language'))
  await fill('film_crew', 'film_id, person_id, job', links(load, sql`person_id, job`, 'stage_crew'))

  const covered = await sql<{ data_through: string | null }>`
    select max(release_date) as data_through from ${scope.table('film')}
    where release_date <= ${scope.fileDate}::date and (status is null or status = 'Released')`.execute(trx)
  return { rowCounts, dataThrough: covered.rows[0]?.data_through ?? null }
}

/** Gives a registered id to each film, company, genre and person that the source only names. */
async function identifyByName(trx: Transaction<unknown>): Promise<void> {
  const named = [
    { kind: 'film', table: 'stage_film', id: 'film_id', key: 'key' },
    { kind: 'company', table: 'stage_company', id: 'company_id', key: 'name' },
    { kind: 'genre', table: 'stage_genre', id: 'genre_id', key: 'name' },
    { kind: 'person', table: 'stage_crew', id: 'person_id', key: 'name' },
  ]
  for (const { kind, table, id, key } of named) {
    // Ordered by name and not by line, so that a shuffled file gives the same ids.
    await sql`
      insert into reelhouse.registry (subject, kind, key, id)
      select 'movies', ${kind}, key,
             (select coalesce(max(id), 0) from reelhouse.registry where subject = 'movies' and kind = ${kind})
             + row_number() over (order by key collate "C")
      from (select distinct ${sql.ref(key)} as key from ${sql.table(table)}) as named
      where not exists (select from reelhouse.registry r
                        where r.subject = 'movies' and r.kind = ${kind} and r.key = named.key)`.execute(trx)
    await sql`
      update ${sql.table(table)} as staged set ${sql.ref(id)} = r.id
      from reelhouse.registry r
      where r.subject = 'movies' and r.kind = ${kind} and r.key = ${sql.ref(`staged.${key}`)}`.execute(trx)
  }
}

/** Table `kept`: the last record of each film. The others go to the ledger, where it says whether they differed. */
async function keepLastOfEach(trx: Transaction<unknown>, { loadId }: MergeScope): Promise<void> {
  await sql`
    create temporary table kept on commit drop as
    select distinct on (film_id) record, film_id from stage_film order by film_id, record desc`.execute(trx)
  await sql`create unique index on kept (record)`.execute(trx)
  await sql`analyze kept`.execute(trx)
  await sql`
    insert into reelhouse.reject (load_id, file, line, code, severity, column_name, reason)
    select ${loadId}, file.name, earlier.line,
           case when earlier.digest = last.digest then 'identical' else 'superseded' end, 'duplicate', null,
           format('film %s stands again at line %s%s', earlier.film_id, last.line,
                  case when earlier.digest = last.digest then ', the same' else ', with other values; the last one is kept' end)
    from stage_film earlier
    join kept using (film_id)
    join stage_film last on last.record = kept.record
    join reelhouse.load_file file on file.load_id = ${loadId} and file.file_no = earlier.file_no
    where earlier.record <> kept.record`.execute(trx)
}

/** Dimension rows: where an id carries several names the most frequent one, ties by code point. */
function mostFrequentName(load: RawBuilder<unknown>, id: string, table: string): RawBuilder<unknown> {
  return sql`
    select distinct on (${sql.ref(id)}) ${load}::integer, ${sql.ref(id)}, name
    from (select ${sql.ref(id)}, name, count(distinct record) as films
          from ${sql.table(table)} join kept using (record) where ${sql.ref(id)} is not null
          group by ${sql.ref(id)}, name) as named
    order by ${sql.ref(id)}, films desc, name collate "C"`
}

/** Link rows: what a film lists twice counts once. */
function links(load: RawBuilder<unknown>, columns: RawBuilder<unknown>, table: string): RawBuilder<unknown> {
  return sql`
    select distinct ${load}::integer, kept.film_id, ${columns} from ${sql.table(table)} join kept using (record)`
}
