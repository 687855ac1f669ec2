import { type RawBuilder, sql } from 'kysely'
import { keepLast, recordColumns } from '../keep-last.ts'
import { register } from '../register.ts'
import type { AnimeFamily, Merging } from './merging.ts'
import type { SiteFigures, Title } from './title.ts'

/** The site's figures and their columns. */
const SITE: Record<keyof SiteFigures, string> = {
  score: 'site_score',
  rank: 'site_rank',
  popularityRank: 'site_popularity_rank',
  members: 'site_members',
  favorites: 'site_favorites',
  watching: 'site_watching',
  completed: 'site_completed',
  onHold: 'site_on_hold',
  dropped: 'site_dropped',
  planned: 'site_planned',
  scores: 'site_scores',
}
const SITE_TYPES: Partial<Record<keyof SiteFigures, string>> = { score: 'numeric', scores: 'bigint[]' }
const FIGURES = Object.keys(SITE) as (keyof SiteFigures)[]

/** Columns of fact `title` that a record fills, and their types. */
const facts = {
  title: 'text',
  title_english: 'text',
  title_japanese: 'text',
  type: 'text',
  episodes: 'bigint',
  aired_from: 'date',
  aired_from_precision: 'text',
  aired_to: 'date',
  aired_to_precision: 'text',
  year: 'integer',
  season: 'text',
  source_material: 'text',
  duration: 'text',
  age_rating: 'text',
  ...Object.fromEntries(FIGURES.map((figure) => [SITE[figure], SITE_TYPES[figure] ?? 'bigint'])),
}

const staged = {
  stage: 'stage_title',
  kept: 'kept_title',
  key: ['anime_id'],
  thing: sql`format('title %s', found.anime_id)`,
}

/** Companies of a title, by what they are to it. */
const ROLES = ['studio', 'producer', 'licensor'] as const

/** The titles and their lists; what each of them lists twice counts once. */
export const titles: AnimeFamily<Title> = {
  name: 'titles',
  facts: ['title', 'title_genre', ...ROLES.map((role) => `title_${role}`)],
  heavyFacts: [],
  dimensions: ['genre', 'company'],
  stageTables: {
    stage_title: { ...recordColumns, anime_id: 'integer', ...facts },
    stage_genre: { record: 'bigint', genre_id: 'bigint', name: 'text' },
    stage_company: { record: 'bigint', role: 'text', company_id: 'bigint', name: 'text' },
  },
  anyIdSpace: false,
  stage(stager, title, { record, fileNo, line, digest }) {
    const figures = FIGURES.map((figure) => title.site[figure])
    stager.add('stage_title', [
      record,
      fileNo,
      line,
      digest,
      title.id,
      title.title,
      title.titleEnglish,
      title.titleJapanese,
      title.type,
      title.episodes,
      title.airedFrom?.date,
      title.airedFrom?.precision,
      title.airedTo?.date,
      title.airedTo?.precision,
      title.year,
      title.season,
      title.sourceMaterial,
      title.duration,
      title.ageRating,
      ...figures.map((figure) =>
        Array.isArray(figure) ? `{${figure.map((users) => users ?? 'null').join(',')}}` : figure,
      ),
    ])
    for (const name of title.genres) stager.add('stage_genre', [record, null, name])
    for (const role of ROLES)
      for (const name of title[`${role}s`]) stager.add('stage_company', [record, role, null, name])
  },

  async merge(merging) {
    const { trx, scope, load } = merging
    const part = scope.part(titles)
    await register(trx, 'anime', { kind: 'genre', table: 'stage_genre', id: 'genre_id', key: 'name' })
    await register(trx, 'anime', { kind: 'company', table: 'stage_company', id: 'company_id', key: 'name' })
    await keepLast(merging, staged)
    if (merging.isReplay) await leaveOutdated(merging)
    const fillFact = (table: string, columns: string, rows: RawBuilder<unknown>) =>
      merging.fillFact(part, table, columns, rows, 'kept_title')
    const columns = sql.join(Object.keys(facts).map((name) => sql.ref(name)))
    await fillFact(
      'title',
      `anime_id, ${Object.keys(facts).join(', ')}, source_load_id, source_file_no, source_line`,
      sql`select ${load}::integer, kept.anime_id, ${columns}, ${sql.lit(scope.sourceLoadId)}::integer, file_no, line
          from stage_title join kept_title kept using (record)`,
    )
    await fillFact(
      'title_genre',
      'anime_id, genre_id',
      sql`select distinct ${load}::integer, anime_id, genre_id from stage_genre join kept_title using (record)`,
    )
    for (const role of ROLES)
      await fillFact(
        `title_${role}`,
        `anime_id, ${role}_id`,
        sql`select distinct ${load}::integer, anime_id, company_id
            from stage_company join kept_title using (record) where role = ${role}`,
      )
    const linked = (link: string) => sql`select ${sql.ref(`${link}_id`)} from ${scope.table(`title_${link}`)}`
    await merging.fillNamed('genre', linked('genre'))
    await merging.fillNamed('company', sql.join(ROLES.map(linked), sql` union `))
  },
}

/**
 * Of replayed records, those whose title the base has from a later line or load are out of date: they go to the ledger, too. The base
 * would have been the same had they been read in their turn.
 */
async function leaveOutdated({ trx, scope }: Merging): Promise<void> {
  const { loadId, sourceLoadId } = scope
  const { base } = scope.part(titles)
  await sql`
    with outdated as (
      delete from kept_title kept using stage_title staged, anime.title later
      where staged.record = kept.record and later.load_id = ${base?.loadId} and later.anime_id = kept.anime_id
        and (later.source_load_id, later.source_file_no, later.source_line) > (${sourceLoadId}, staged.file_no, staged.line)
      returning kept.anime_id, staged.file_no, staged.line, later.source_load_id, later.source_line)
    insert into reelhouse.reject (load_id, file, line, code, severity, column_name, reason)
    select ${loadId}, file.name, outdated.line, 'superseded', 'duplicate', null,
           format('title %s was read later, at line %s of load %s; that one is kept', anime_id, source_line, source_load_id)
    from outdated join reelhouse.load_file file on file.load_id = ${loadId} and file.file_no = outdated.file_no`.execute(
    trx,
  )
}
