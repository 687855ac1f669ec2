import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { MergeResult, MergeScope } from '../subject.ts'

/**
 * From what was read to a snapshot: one record a film survives, names become ids where the source has none, and what is left
 * over is entered in the ledger. Everything is set-based, and the order of lines decides nothing but which record of one film wins.
 */
export async function merge(trx: Transaction<unknown>, scope: MergeScope): Promise<MergeResult> {
  const { base } = scope
  await identifyByName(trx, scope)
  await keepLastOfEach(trx, scope)
  if (scope.sourceLoadId !== scope.loadId) await leaveOutdated(trx, scope)
  const rowCounts: Record<string, number> = {}
  const load = sql.lit(scope.loadId)
  const fill = async (table: string, columns: string, rows: RawBuilder<unknown>) => {
    const { numAffectedRows } = await sql`
      insert into ${scope.table(table)} (load_id, ${sql.raw(columns)}) ${rows}`.execute(trx)
    rowCounts[table] = Number(numAffectedRows)
  }
  /** A fact: what was read, and in mode `merge` what the base has of films that were not. */
  const fillFact = async (table: string, columns: string, rows: RawBuilder<unknown>) => {
    const carried = sql`
      select ${load}::integer, ${sql.raw(columns)} from ${sql.table(`movies.${table}`)}
      where load_id = ${base?.loadId} and film_id not in (select film_id from kept)`
    await fill(table, columns, base ? sql`${rows} union all ${carried}` : rows)
  }

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
  await fillFact('film_company', 'film_id, company_id', links(load, sql`company_id`, 'stage_company'))
  await fillFact('film_genre', 'film_id, genre_id', links(load, sql`genre_id`, 'stage_genre'))
  await fillFact('film_country', 'film_id, country_code', links(load, sql`country_code`, 'stage_country'))
  await fillFact('film_language', 'film_id, language_code', links(load, sql`language_code`, 'stage_language'))
  await fillFact('film_crew', 'film_id, person_id, job', links(load, sql`person_id, job`, 'stage_crew'))

  /** A dimension: what the file names, and in mode `merge` what else the carried films are linked to, as the base names it. */
  const fillDimension = async (table: string, id: string, named: RawBuilder<unknown>, links: RawBuilder<unknown>) => {
    const key = sql.ref(id)
    const rows = sql`
      select ${load}::integer, ${key}, coalesce(named.name, before.name)
      from named
      left join (select ${key}, name from ${sql.table(`movies.${table}`)} where load_id = ${base?.loadId}) before
        using (${key})`
    const carried = sql`
      select ${load}::integer, ${key}, name from ${sql.table(`movies.${table}`)}
      where load_id = ${base?.loadId} and ${key} in (${links}) and ${key} not in (select ${key} from named)`
    await fill(
      table,
      `${id}, name`,
      base ? sql`with named (load_id, ${key}, name) as materialized (${named}) ${rows} union all ${carried}` : named,
    )
  }
  const linked = (table: string, id: string) => sql`select ${sql.ref(id)} from ${scope.table(table)}`
  await fillDimension(
    'company',
    'company_id',
    mostFrequentName(load, 'company_id', 'stage_company'),
    linked('film_company', 'company_id'),
  )
  await fillDimension(
    'genre',
    'genre_id',
    mostFrequentName(load, 'genre_id', 'stage_genre'),
    linked('film_genre', 'genre_id'),
  )
  await fillDimension(
    'collection',
    'collection_id',
    mostFrequentName(load, 'collection_id', 'stage_collection'),
    sql`select collection_id from ${scope.table('film')} where collection_id is not null`,
  )
  await fillDimension(
    'person',
    'person_id',
    mostFrequentName(load, 'person_id', 'stage_crew'),
    linked('film_crew', 'person_id'),
  )
  await fillDimension(
    'country',
    'country_code',
    mostFrequentName(load, 'country_code', 'stage_country'),
    linked('film_country', 'country_code'),
  )
  await fillDimension(
    'language',
    'language_code',
    // The original language is a code alone; it is a language even when no film says its name.
    sql`select distinct on (language_code) ${load}::integer, language_code, name
        from (select language_code, name, count(*) as films
              from stage_language join kept using (record) group by language_code, name
              union all
              select distinct original_language, null, 0
              from stage_film join kept using (record) where original_language is not null) as named
        order by language_code, name is null, films desc, name collate "C"`,
    sql`${linked('film_language', 'language_code')} union
        select original_language from ${scope.table('film')} where original_language is not null`,
  )

  const until = base && base.fileDate > scope.fileDate ? base.fileDate : scope.fileDate
  const covered = await sql<{ data_through: string | null }>`
    select max(release_date) as data_through from ${scope.table('film')}
    where release_date <= ${until}::date and (status is null or status = 'Released')`.execute(trx)
  return { rowCounts, dataThrough: covered.rows[0]?.data_through ?? null }
}

/** Gives a registered id to each film that has a key in place of one, and to each company, genre and person that the source only names. */
async function identifyByName(trx: Transaction<unknown>, { format }: MergeScope): Promise<void> {
  const named = [
    ...(format.identifiedBy === 'key' ? [{ kind: 'film', table: 'stage_film', id: 'film_id', key: 'key' }] : []),
    { kind: 'company', table: 'stage_company', id: 'company_id', key: 'name' },
    { kind: 'genre', table: 'stage_genre', id: 'genre_id', key: 'name' },
    { kind: 'person', table: 'stage_crew', id: 'person_id', key: 'name' },
  ]
  for (const { kind, table, id, key } of named) {
    const { rows } = await sql<{ any: boolean }>`
      select exists (select from ${sql.table(table)} where ${sql.ref(id)} is null) as any`.execute(trx)
    if (!rows[0]?.any) continue
    // Ordered by name and not by line, so that a shuffled file gives the same ids.
    await sql`
      insert into reelhouse.registry (subject, kind, key, id)
      select 'movies', ${kind}, key,
             (select coalesce(max(id), 0) from reelhouse.registry where subject = 'movies' and kind = ${kind})
             + row_number() over (order by key collate "C")
      from (select distinct ${sql.ref(key)} as key from ${sql.table(table)} where ${sql.ref(id)} is null) as named
      where not exists (select from reelhouse.registry r
                        where r.subject = 'movies' and r.kind = ${kind} and r.key = named.key)`.execute(trx)
    await sql`
      update ${sql.table(table)} as staged set ${sql.ref(id)} = r.id
      from reelhouse.registry r
      where ${sql.ref(`staged.${id}`)} is null
        and r.subject = 'movies' and r.kind = ${kind} and r.key = ${sql.ref(`staged.${key}`)}`.execute(trx)
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

/**
 * Of replayed records, those whose film the base has from a later line or load are out of date: they go to the ledger, too. The base
 * would have been the same had they been read in their turn.
 */
async function leaveOutdated(trx: Transaction<unknown>, { loadId, sourceLoadId, base }: MergeScope): Promise<void> {
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
