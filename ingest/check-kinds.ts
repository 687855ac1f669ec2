import { type RawBuilder, sql } from 'kysely'
import type { Check, CheckScope } from './checks.ts'

/** What a check found. */
export interface Finding {
  /** Rows that break the claim; 0 when it holds. */
  failing: number
  /** What was found, in a few words. */
  observed: string
  /** The first of the rows that break the claim. */
  sample: unknown[]
}

/** Offending rows that are kept; their number is always told. */
const SAMPLE_ROWS = 100

/** The query that finds what breaks a check's claim: one row. */
export function findings(check: Check, schema: string, scope: CheckScope): RawBuilder<Finding> {
  const { loadId } = scope
  const at = (table: string) => sql.table(`${schema}.${table}`)
  const listed = (columns: string[]) => sql.join(columns.map((column) => sql.ref(column)))
  /** Rows of a table for which a condition holds. */
  const rowsOf = (table: string, where: RawBuilder<unknown>) =>
    fromRows(sql`select * from ${at(table)} as checked where load_id = ${loadId} and ${where}`)

  switch (check.kind) {
    case 'not_null':
      return rowsOf(check.table, sql`${sql.ref(check.column)} is null`)
    case 'accepted_values':
      return rowsOf(
        check.table,
        sql`${sql.ref(check.column)} is not null and ${sql.ref(check.column)} <> all(${check.values}::text[])`,
      )
    case 'plausibility':
      return rowsOf(check.table, check.breaks(scope))
    case 'unique':
      return rowsOf(
        check.table,
        sql`(${listed(check.columns)}) in (
          select ${listed(check.columns)} from ${at(check.table)} where load_id = ${loadId}
          group by ${listed(check.columns)} having count(*) > 1)`,
      )
    case 'relationship': {
      const { columns, to } = check
      const target = to.table.includes('.') ? sql.table(to.table) : at(to.table)
      const same = columns.map(
        (column, index) => sql`referenced.${sql.ref(to.columns[index] as string)} = checked.${sql.ref(column)}`,
      )
      return rowsOf(
        check.table,
        // As with foreign keys, what is null refers to nothing.
        sql`num_nulls(${listed(columns)}) = 0
            and not exists (select from ${target} as referenced where ${sql.join(same, sql` and `)})`,
      )
    }
    case 'row_count':
      return sql`
        select case when count(*) < ${check.min} then 1 else 0 end as failing, format('%s rows', count(*)) as observed,
               '[]'::jsonb as sample
        from ${at(check.table)} where load_id = ${loadId}`
    case 'volume':
      return volume(check.table, check.maxLoss, scope)
    case 'freshness':
      return sql`
        select case when age.days > ${check.maxDays} or age.days is null then 1 else 0 end as failing,
               case when age.days is null then 'no dated rows'
                    else format('data through %s, file of %s', ${scope.dataThrough}::text, ${scope.fileDate}::text) end as observed,
               '[]'::jsonb as sample
        from (select ${scope.fileDate}::date - ${scope.dataThrough}::date as days) as age`
    case 'conservation':
      return sql`
        select case when count(*) = 0 then 1
                    else count(*) filter (where read <> loaded + rejected + duplicate + unmatched) end as failing,
               case when count(*) = 0 then 'nothing read'
                    else format('%s read = %s loaded + %s rejected + %s duplicate + %s unmatched',
                                sum(read), sum(loaded), sum(rejected), sum(duplicate), sum(unmatched)) end as observed,
               '[]'::jsonb as sample
        from reelhouse.load_file where load_id = ${loadId}`
    case 'reject_rate':
      return sql`
        select count(*) filter (where too_many) as failing,
               coalesce(string_agg(format('%s of %s of %s rejected', rejected, read, name), ', ' order by file_no) filter (where too_many and place <= 5),
                        format('%s of %s rejected', coalesce(sum(rejected), 0), coalesce(sum(read), 0))) as observed,
               (select coalesce(jsonb_agg(to_jsonb(first)), '[]')
                from (select file, line, code, reason from reelhouse.reject
                      where load_id = ${loadId} and severity = 'reject' order by file, line limit ${SAMPLE_ROWS}) as first) as sample
        from (select *, row_number() over (partition by too_many order by file_no) as place
              from (select file_no, name, read, rejected,
                           (read >= ${check.from} and rejected > read * ${check.maxShare}::numeric)
                           or (rejected > 0 and sum(rejected) over family = sum(read) over family) as too_many
                    from reelhouse.load_file where load_id = ${loadId}
                    window family as (partition by family)) as rated) as placed`
  }
}

/** How many rows there are, and the first of them, whatever order they have. */
const fromRows = (rows: RawBuilder<unknown>): RawBuilder<Finding> => sql<Finding>`
  with offending as materialized (${rows})
  select (select count(*) from offending) as failing,
         format('%s rows', (select count(*) from offending)) as observed,
         (select coalesce(jsonb_agg(first.row order by first.row), '[]')
          from (select to_jsonb(offending) - 'load_id' as row from offending order by offending limit ${SAMPLE_ROWS}) as first) as sample`

/**
 * Rows against those of the last published load of the same format and source: never the sample, which is no month's data, and
 * never a merge, whose file is a part.
 */
const volume = (table: string, maxLoss: number, { loadId, rowCounts }: CheckScope): RawBuilder<Finding> =>
  sql<Finding>`
    with counted as (select ${rowCounts[table]}::bigint as now),
    before as (
      select earlier.load_id, (earlier.row_counts ->> ${table})::bigint as then
      from reelhouse.load earlier join reelhouse.load this on this.load_id = ${loadId}
      where earlier.subject = this.subject and earlier.format = this.format and earlier.source = this.source
        and earlier.load_id < this.load_id and earlier.published_at is not null
        and earlier.trigger <> 'sample' and earlier.mode = 'replace' and earlier.row_counts ? ${table}
      order by earlier.published_at desc, earlier.load_id desc limit 1)
    select case when now < before.then * (1 - ${maxLoss}::numeric) then 1 else 0 end as failing,
           case when before.load_id is null then format('%s rows, the first load of this source', now)
                else format('%s rows, %s in load %s', now, before.then, before.load_id) end as observed,
           '[]'::jsonb as sample
    from counted left join before on true`
