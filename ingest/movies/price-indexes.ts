import { sql } from 'kysely'
import type { MovieFamily } from './merging.ts'

/** What a month's line says of each series of its file. */
export interface Prices {
  /** YYYY-MM-01. */
  month: string
  /** Null where the source has the month and no value. */
  values: { series: string; value: string | null }[]
}

/** Series by name. They belong to the snapshot: a new vintage is a new load. */
export const priceIndexes: MovieFamily<Prices> = {
  name: 'price_index',
  facts: [],
  heavyFacts: [],
  dimensions: ['price_index'],
  stageTables: {
    stage_price: {
      record: 'bigint',
      file_no: 'smallint',
      line: 'bigint',
      digest: 'text',
      series: 'text',
      month: 'date',
      value: 'numeric',
    },
  },
  anyIdSpace: true,
  stage(stager, { month, values }, { record, fileNo, line, digest }) {
    for (const { series, value } of values)
      stager.add('stage_price', [record, fileNo, line, digest, series, month, value])
  },

  async merge(merging) {
    const { trx, scope, load } = merging
    const { base } = scope.part(priceIndexes)
    const columns = 'series, month, value, source_load_id'
    // A line with several series is a duplicate once all of them stand again.
    await sql`
      create temporary table kept_price on commit drop as
      select distinct on (series, month) record, series, month, value from stage_price order by series, month, record desc`.execute(
      trx,
    )
    await sql`
      insert into reelhouse.reject (load_id, file, line, code, severity, column_name, reason)
      select ${scope.loadId}, file.name, found.line,
             case when bool_and(found.digest = last.digest) then 'identical' else 'superseded' end, 'duplicate', null,
             format('%s of %s stands again at line %s; the last one is kept',
                    string_agg(found.series, ', ' order by found.series), to_char(found.month, 'YYYY-MM'), max(last.line))
      from stage_price found
      join kept_price using (series, month)
      join stage_price last on last.record = kept_price.record and last.series = found.series
      join reelhouse.load_file file on file.load_id = ${scope.loadId} and file.file_no = found.file_no
      group by found.record, file.name, found.line, found.month
      having bool_and(last.record <> found.record)`.execute(trx)
    // A replay mends single months; a file replaces the whole of its series.
    const replaced = merging.isReplay
      ? sql`exists (select from kept_price kept where (kept.series, kept.month) = (before.series, before.month))`
      : sql`exists (select from kept_price kept where kept.series = before.series)`
    await merging.fill(
      'price_index',
      columns,
      sql`select ${load}::integer, series, month, value, ${sql.lit(scope.sourceLoadId)}::integer from kept_price`,
    )
    if (base)
      await merging.fill(
        'price_index',
        columns,
        sql`select ${load}::integer, ${sql.raw(columns)} from movies.price_index before
            where load_id = ${base.loadId} and not ${replaced}`,
      )
  },
}
