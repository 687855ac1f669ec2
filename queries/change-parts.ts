import { type RawBuilder, sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { type Comparison, chosenRows, sameKey, thingParams } from './changes.ts'
import { type JsonEntry, jsonObject, jsonOf, sparseList, sparseObject } from './json-text.ts'
import { type Facts, factsOf, type Parts, type Report, type Rows, type Scope } from './report.ts'

/**
 * The things (films) that explain why a row is another one than before. A thing is behind a row when what it gives to a measure
 * that counts differs between the loads, so the effects of all things behind a row add up to the difference of the row.
 */

// biome-ignore lint/suspicious/noExplicitAny: the rows of any report
type AnyDb = ReadonlyKysely<any>

export interface BehindRow {
  /** Which of the rows, from 1. */
  row_no: number
  /** `{"total", "data", "rest"}`: the things, those with the largest effect first, and the sum of what is not listed. */
  json: string
}

/**
 * What is behind each of some rows.
 * @param keys of the rows, as text
 * @param by measure that the rows are sorted by: its effect puts the things in order before any other
 * @param most things to list of each row
 */
export function behindRows(
  db: AnyDb,
  comparison: Comparison,
  parts: Parts,
  { keys, by, most }: { keys: string[][]; by: string | undefined; most: number },
): Rows<BehindRow> {
  const { report, before, after } = comparison
  const { measures, additive, amounts } = measuresOf(comparison, parts)
  const id = sql.ref(idOf(parts))
  const page = sql`
    select * from unnest(${sql.join(
      report.key.map((name, index) => {
        const values = keys.map((key) => key[index])
        return sql`${values}::${sql.raw(factsOf(report.row.shape[name]).sql)}[]`
      }),
    )}) with ordinality as page (${sql.join(report.key.map((name) => sql.ref(name)))}, row_no)`
  // The offset has PostgreSQL make the things once: left to itself it looks all films of a large company up again for each row.
  const given = (scope: Scope) => sql`
    select ${sql.join(['page.row_no', `part.${idOf(parts)}`, ...measures.map((name) => `part.${name}`)].map((name) => sql.ref(name)))}
    from page
    join (${parts.query(db, scope, thingParams(comparison))} offset 0) as part on ${sameKey(report, 'part', 'page')}`
  const difference = (name: string) =>
    sql`coalesce(${sql.ref(`b.${name}`)}, 0)::numeric - coalesce(${sql.ref(`a.${name}`)}, 0)`
  const moved = sql`
    select ${sql.join([
      sql`row_no, ${id}, a.${id} is not null as was_in, b.${id} is not null as is_in`,
      ...[...additive, ...amounts].map((name) => sql`${difference(name)} as ${sql.ref(name)}`),
    ])}
    from (${given(before)}) as a full join (${given(after)}) as b using (row_no, ${id})
    where ${movesAny(measures)}`
  const ranked = sql`
    select *, row_number() over (partition by row_no order by ${sql.join([...bySize(report, additive, amounts, by), id])}) as thing_no
    from moved`
  const facts = (scope: Scope) => sql`
    select * from (${parts.facts(db, scope)}) as thing where ${id} in (select ${id} from listed)`
  const listed = sql`
    select row_no, string_agg(${thingJson(parts, toldFacts(parts, comparison), additive)}, ',' order by thing_no) as json
    from listed left join told_before as was using (${id}) left join told_after as now using (${id})
    group by row_no`
  const rest = sql`
    select row_no, ${jsonObject([
      [`${parts.of}s`, sql`count(*)`],
      ['effect', effects(additive, (name) => sql`sum(${sql.ref(name)})`)],
    ])} as json
    from ranked where thing_no > ${most} group by row_no`
  const found = sql<BehindRow>`(
    with page as (${page}),
         moved as (${moved}),
         ranked as materialized (${ranked}),
         listed as materialized (select * from ranked where thing_no <= ${most}),
         told_before as (${facts(before)}),
         told_after as (${facts(after)})
    select page.row_no,
           '{"total":' || coalesce(total, 0) || ',"data":[' || coalesce(lists.json, '') || ']'
           || coalesce(',"rest":' || rests.json, '') || '}' as json
    from page
    left join (select row_no, count(*) as total from ranked group by row_no) as totals using (row_no)
    left join (${listed}) as lists using (row_no)
    left join (${rest}) as rests using (row_no))`
  return db.selectFrom(found.as('found')).select(['row_no', 'json']).orderBy('row_no') as unknown as Rows<BehindRow>
}

export interface PartTotals {
  added: number
  removed: number
  changed: number
}

/** How many things are behind all rows, also where their effects cancel out; each counts once. */
export function partTotals(db: AnyDb, comparison: Comparison, parts: Parts): Rows<PartTotals> {
  const { report, before, after } = comparison
  const { measures } = measuresOf(comparison, parts)
  const id = sql.ref(idOf(parts))
  const chosen = chosenRows(db, comparison)
  const keys = sql.join([...new Set([...report.key, idOf(parts)])].map((name) => sql.ref(name)))
  const given = (scope: Scope) => sql`(${parts.query(db, scope, thingParams(comparison))})`
  const moved = sql`
    select distinct ${id} from ${given(before)} as a full join ${given(after)} as b using (${keys})
    ${chosen ? sql`join (${chosen}) as chosen using (${sql.join(report.key.map((name) => sql.ref(name)))})` : sql``}
    where ${movesAny(measures)}`
  const all = (scope: Scope) => sql`(select ${id} from (${parts.facts(db, scope)}) as thing)`
  const count = (condition: RawBuilder<unknown>) => sql<number>`count(*) filter (where ${condition})`
  const known = sql<Record<string, unknown>>`(
    with moved as (${moved})
    select a.${id} is not null as was, b.${id} is not null as now
    from moved left join ${all(before)} as a using (${id}) left join ${all(after)} as b using (${id}))`
  return db
    .selectFrom(known.as('known'))
    .select([
      count(sql`not was`).as('added'),
      count(sql`not now`).as('removed'),
      count(sql`was and now`).as('changed'),
    ]) as unknown as Rows<PartTotals>
}

/**
 * What is told of things that are rows themselves: each fact that is another one than before and shows in no column, as a JSON list.
 * @param ids of the things, as text
 */
export function changedFacts(
  db: AnyDb,
  { report, before, after }: Comparison,
  itself: Facts,
  ids: string[],
): Rows<BehindRow> {
  const id = sql.ref(idOf(itself))
  const facts = itself.told.filter((name) => !Object.hasOwn(report.row.shape, name))
  const of = (scope: Scope) => sql`
    (select * from (${itself.facts(db, scope)}) as thing where ${id} in (select ${id} from page))`
  const found = sql<BehindRow>`(
    with page as (select * from unnest(${ids}::bigint[]) with ordinality as page (${id}, row_no))
    select row_no, case when was.${id} is null or now.${id} is null then '[]' else ${sparseList(facts.map(factJson))} end as json
    from page left join ${of(before)} as was using (${id}) left join ${of(after)} as now using (${id}))`
  return db.selectFrom(found.as('found')).select(['row_no', 'json']).orderBy('row_no') as unknown as Rows<BehindRow>
}

const idOf = ({ of }: Facts) => `${of}_id`

/** The columns of the things' query that count; of names there is none. */
function measuresOf({ columns, params }: Comparison, { amounts }: Parts) {
  const measures = columns.counted.filter((name) => !columns.names.includes(name))
  return { measures, additive: columns.additive, amounts: amounts(params).filter((name) => measures.includes(name)) }
}

/** Whether a thing gives another amount than before to any of the measures, or is in one load's row only. */
const movesAny = (measures: string[]) =>
  measures.length === 0
    ? sql`false`
    : sql`(${sql.join(
        measures.map((name) => sql`${sql.ref(`a.${name}`)} is distinct from ${sql.ref(`b.${name}`)}`),
        sql` or `,
      )})`

/** Largest effect first: on the measure that rows are sorted by, in dollars, on counts, then on what is no sum. */
function bySize(report: Report, additive: string[], amounts: string[], by: string | undefined): RawBuilder<unknown>[] {
  const unitOf = (name: string) => factsOf(report.row.shape[name]).unit
  const money = additive.filter((name) => unitOf(name) === 'US dollars')
  const others = additive.filter((name) => unitOf(name) !== 'US dollars')
  const first = by !== undefined && [...additive, ...amounts].includes(by) ? [by] : []
  return [first, money, others, amounts]
    .filter((names) => names.length > 0)
    .map((names) => sql`greatest(${sql.join(names.map((name) => sql`abs(${sql.ref(name)})`))}) desc`)
}

/** Facts that are told of a thing: all, but for figures that no measure which counts rests on. */
function toldFacts({ told, figures, restsOn }: Parts, { columns, params }: Comparison): string[] {
  const basis = restsOn(params)
  const wanted = new Set(columns.counted.flatMap((name) => basis[name] ?? []))
  const hidden = figures(params).filter((fact) => !wanted.has(fact))
  return told.filter((fact) => !hidden.includes(fact))
}

const effects = (additive: string[], amount = (name: string): RawBuilder<unknown> => sql.ref(`listed.${name}`)) =>
  sparseObject(additive.map((name): JsonEntry => [name, sql`trim_scale(nullif(${amount(name)}, 0))`]))

function thingJson(parts: Parts, facts: string[], additive: string[]): RawBuilder<string> {
  const id = idOf(parts)
  return jsonObject([
    [id, jsonOf(sql.ref(`listed.${id}`))],
    ['title', jsonOf(sql`coalesce(now.title, was.title)`)],
    [
      'change',
      sql`case when was.${sql.ref(id)} is null then '"added"' when now.${sql.ref(id)} is null then '"removed"'
               when not was_in then '"joined"' when not is_in then '"left"' else '"changed"' end`,
    ],
    [
      'fields',
      sql`case when was.${sql.ref(id)} is null or now.${sql.ref(id)} is null then '[]' else ${sparseList(facts.map(factJson))} end`,
    ],
    ['effect', effects(additive)],
  ])
}

/** A fact as it is in `was` and in `now`, where it is another one. */
function factJson(name: string): RawBuilder<unknown> {
  const [was, now] = [sql.ref(`was.${name}`), sql.ref(`now.${name}`)]
  return sql`
    case when ${was}::text is distinct from ${now}::text
         then ${jsonObject([
           ['field', jsonOf(sql`${name}::text`)],
           ['before', jsonOf(was)],
           ['after', jsonOf(now)],
         ])} end`
}
