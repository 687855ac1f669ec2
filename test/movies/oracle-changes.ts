import { compare, type Fraction, fraction, isNumber, numberCell, plain, wholeCell } from './exact.ts'
import { type Oracle, type Params, REPORTS, type ReportName } from './oracle.ts'
import { type Cell, type FilmRecord, inFull, known, measures, type Named, type Row, yearOf } from './oracle-figures.ts'
import { figureOf } from './oracle-groups.ts'
import { byCodePoint, inOrder } from './oracle-order.ts'
import { NO_SUMS } from './oracle-reports.ts'

/**
 * What has changed between two loads, found out independently: the rows of two oracles held against each other, and for each
 * film what it alone would be as a row. Nothing of the program's, and nothing of SQL's way to do it.
 */
export interface Asked {
  report: ReportName
  params: Params
  /** One key is enough here: the row's own key follows. */
  sort?: string | undefined
  fields?: string[] | undefined
  /** Films listed of each row. */
  films: number
}

// biome-ignore lint/suspicious/noExplicitAny: an answer of JSON, numbers as cells of exact.ts
type Json = any

const SUMS =
  'releases budget budget_known revenue revenue_known profit matched_releases matched_budget matched_revenue matched_profit popularity_known vote_count undated'.split(
    ' ',
  )
const DOLLARS = 'budget revenue profit matched_budget matched_revenue matched_profit'.split(' ')
const SUMS_OF_FILMS = ['budget', 'revenue', 'profit', 'vote_count']
/** Of a film, and so in no row of it: where it was read. */
const PROVENANCE = ['source_file', 'source_line', 'load_id', 'source_load_id']
const HEADS =
  'company_id company genre_id genre period year partial film_id title id name group group_id measure'.split(' ')
/** What tells when, or by what, and moves no film. */
const TOLD_ANYWAY = ['period', 'year', 'partial', 'measure']
const NAMES = ['company', 'genre', 'title', 'name', 'group']
/** Of a ranking, what the value decides together with other rows. */
const BY_VALUE = ['rank', 'share', 'change', 'change_on_five']
const ELSEWHERE = [...BY_VALUE, 'previous_value', 'five_years_before_value']

/** What a film is linked to; no column of it shows these. */
const LINKS = ['companies', 'genres', 'countries', 'languages', 'crew']

/** Whether it names other things than before, and not the same ones by other names. */
function isRelinked({ field, before, after }: Json): boolean {
  const ids = (list: Row[]) => list.map(({ name, ...id }) => JSON.stringify(id)).sort()
  return LINKS.includes(field) && !same(ids(before), ids(after))
}

/** What each measure rests on, of what is told of a film. */
const FIGURES: Record<string, string[]> = {
  budget: ['budget', 'budget_known', 'profit', 'matched_*', 'roi'],
  revenue: ['revenue', 'revenue_known', 'profit', 'matched_*', 'roi'],
  popularity: ['popularity', 'popularity_known'],
  vote_average: ['vote_average', 'own_vote_average'],
  vote_count: ['vote_average', 'vote_count'],
}

export class ChangesOracle {
  readonly #before: Oracle
  readonly #after: Oracle
  /** The cells last asked for. */
  readonly #known = new Map<Oracle, { asked: Asked; cells: Map<string, FilmRecord[]> }>()

  constructor(before: Oracle, after: Oracle) {
    this.#before = before
    this.#after = after
  }

  /** All rows of all pages, and `meta.totals`. */
  answer(asked: Asked): { data: Json[]; totals: Json } {
    const { report, sort } = asked
    const { key, kind } = REPORTS[report]
    const isHead = (name: string) =>
      HEADS.includes(name) && !(name === 'year' && (kind === 'film' || kind === 'top-films'))
    const before = this.#rows(this.#before, asked)
    const after = this.#rows(this.#after, asked)
    const counted = (asked.fields ?? REPORTS[report].columns).filter(
      (name) => !key.includes(name) && !PROVENANCE.includes(name) && !(TOLD_ANYWAY.includes(name) && isHead(name)),
    )
    const found: { data: Json; order: Row }[] = []
    const chosen = this.#chosen(asked)
    for (const id of chosen) {
      const [was, is] = [before.get(id), after.get(id)]
      const facts = kind === 'film' ? this.#hiddenFacts(Number(plain(id))) : []
      const hasMoved = was && is && !asked.fields && facts.some(isRelinked)
      if (!hasMoved && counted.every((name) => same(was?.[name], is?.[name]))) continue
      const data = changedRow(was, is, asked, isHead)
      if (kind === 'film') data.fields = facts
      else data.films = this.#films(asked, id, counted)
      found.push({ data, order: orderOf(was, is, isHead) })
    }
    const orders = new Map(found.map((one) => [one.order, one.data]))
    const ordered = inOrder(
      found.map(({ order }) => order),
      sort ?? key.join(),
      key,
    ).map((order) => orders.get(order) as Json)
    return {
      data: ordered,
      totals: {
        rows: countBy(ordered.map(({ change }) => change)),
        ...(kind === 'film' ? {} : { films: this.#filmTotals(asked, chosen, counted) }),
      },
    }
  }

  /** What is told differently of a film that is in both loads, and shows in no column of it. */
  #hiddenFacts(id: number): Json[] {
    const [before, after] = [this.#before, this.#after].map((oracle) => {
      const film = oracle.films.find((one) => one.id === id)
      return film && factsOf(oracle, film)
    })
    if (!before || !after) return []
    return Object.entries(before)
      .map(([field, value]) => ({ field, before: value, after: after[field] }))
      .filter((fact) => !REPORTS.films.columns.includes(fact.field) && !same(fact.before, fact.after))
  }

  /** Rows by key, whatever parameter chooses among rows. */
  #rows(oracle: Oracle, { report, params }: Asked): Map<string, Row> {
    const { min_releases, q, n, ...others } = params
    const { kind } = REPORTS[report]
    const byKey = (rows: Row[]) => new Map(rows.map((row) => [keyOf(report, row), row]))
    if (kind === 'film') {
      const { company_id, genre_id, person_id, job, keyword_id, country } = params
      return byKey(oracle.rows(report, { company_id, genre_id, person_id, job, keyword_id, country }))
    }
    if (kind === 'top-films') return byKey(oracle.rows(report, { ...others, n: 1_000_000 }))
    const rows = byKey(oracle.rows(report, others))
    if (kind !== 'rankings') return rows
    // Members of too few films have no place.
    const ranked = byKey(oracle.rows(report, params))
    return new Map([...rows].map(([key, row]) => [key, ranked.get(key) ?? { ...row, rank: null }]))
  }

  /** Keys of the rows that either load shows. */
  #chosen({ report, params }: Asked): Set<string> {
    const shown = [this.#before, this.#after].flatMap((oracle) => oracle.rows(report, params))
    return new Set(shown.map((row) => keyOf(report, row)))
  }

  /** Films by cell, as the key of its row. */
  #cells(oracle: Oracle, asked: Asked): Map<string, FilmRecord[]> {
    const { report, params } = asked
    const known = this.#known.get(oracle)
    if (known?.asked === asked) return known.cells
    const cells = new Map(oracle.filmsInRows(report, params).map(({ head, films }) => [keyOf(report, head), films]))
    this.#known.set(oracle, { asked, cells })
    return cells
  }

  #behind(asked: Asked, id: string, counted: string[]): Moved[] {
    const at = (oracle: Oracle) => new Map((this.#cells(oracle, asked).get(id) ?? []).map((film) => [film.id, film]))
    const [before, after] = [at(this.#before), at(this.#after)]
    return [...new Set([...before.keys(), ...after.keys()])]
      .map((film) => ({ id: film, was: before.get(film), is: after.get(film) }))
      .filter(({ was, is }) => counted.some((name) => !same(givenIn(asked, name, was), givenIn(asked, name, is))))
  }

  #films(asked: Asked, id: string, counted: string[]): Json {
    const sums = counted.filter((name) => sumsOf(asked).includes(name))
    const moved = this.#behind(asked, id, counted).map((film) => ({ ...film, effect: effectOf(asked, film, sums) }))
    const amount = asked.report === 'rankings' ? asked.params.measure === 'popularity' && 'value' : 'popularity'
    const byPopularity = (name: string) => name === amount && counted.includes(name)
    const by = asked.sort?.replace(/^-/, '').split(',')[0]
    const size = ({ was, is, effect }: (typeof moved)[0]): Fraction[] => {
      const largest = (names: string[]) => names.map((name) => absolute(effect[name] ?? 0n)).reduce(larger, 0n)
      const popularity = () => distance(fraction(was?.popularity || '0'), fraction(is?.popularity || '0'))
      const first =
        by === undefined || !counted.includes(by)
          ? whole(0n)
          : byPopularity(by)
            ? popularity()
            : whole(largest(sums.includes(by) ? [by] : []))
      return [
        first,
        whole(largest(sums.filter((name) => DOLLARS.includes(name)))),
        whole(largest(sums.filter((name) => !DOLLARS.includes(name)))),
        amount && byPopularity(amount) ? popularity() : whole(0n),
      ]
    }
    const ordered = moved
      .map((film) => ({ ...film, size: size(film) }))
      .sort((a, b) => {
        for (const [index, one] of a.size.entries()) {
          const order = compare(b.size[index] as Fraction, one)
          if (order !== 0) return order
        }
        return a.id - b.id
      })
    const rest = ordered.slice(asked.films)
    const restEffect = Object.fromEntries(
      sums.map((name) => [name, rest.reduce((sum, { effect }) => sum + (effect[name] ?? 0n), 0n)]),
    )
    return {
      total: wholeCell(ordered.length),
      data: ordered.slice(0, asked.films).map((film) => this.#filmJson(film, restingOn(asked, counted))),
      ...(rest.length > 0 ? { rest: { films: wholeCell(rest.length), effect: nonZero(restEffect) } } : {}),
    }
  }

  #filmJson({ id, was, is, effect }: Moved & { effect: Record<string, bigint> }, counted: string[]): Json {
    const [before, after] = [this.#before, this.#after].map((oracle) => oracle.films.find((film) => film.id === id))
    const change = !before ? 'added' : !after ? 'removed' : !was ? 'joined' : !is ? 'left' : 'changed'
    const told = before && after ? [factsOf(this.#before, before), factsOf(this.#after, after)] : []
    const wanted = ([fact]: [string, Json]) =>
      !FIGURES[fact] ||
      FIGURES[fact].some((name) => counted.some((one) => new RegExp(`^${name.replace('*', '.*')}$`).test(one)))
    const fields = Object.entries(told[0] ?? {})
      .filter(wanted)
      .map(([field, value]) => ({ field, before: value, after: told[1][field] }))
      .filter((field) => !same(field.before, field.after))
    return { film_id: wholeCell(id), title: (after ?? before)?.title, change, fields, effect: nonZero(effect) }
  }

  #filmTotals(asked: Asked, chosen: Set<string>, counted: string[]): Json {
    const kinds = new Map<number, string>()
    for (const key of chosen)
      for (const { id } of this.#behind(asked, key, counted)) {
        const [before, after] = [this.#before, this.#after].map((oracle) => oracle.films.some((film) => film.id === id))
        kinds.set(id, !before ? 'added' : !after ? 'removed' : 'changed')
      }
    return countBy([...kinds.values()])
  }
}

interface Moved {
  id: number
  /** The film in the row of the load before, if it is there. */
  was: FilmRecord | undefined
  is: FilmRecord | undefined
}

const keyOf = (report: ReportName, row: Row) => REPORTS[report].key.map((name) => row[name]).join(' ')
const same = (a: Json, b: Json) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null)
const whole = (value: bigint): Fraction => ({ over: value, under: 1n })
const absolute = (value: bigint) => (value < 0n ? -value : value)
const larger = (a: bigint, b: bigint) => (a > b ? a : b)
const distance = (a: Fraction, b: Fraction): Fraction => ({
  over: absolute(a.over * b.under - b.over * a.under),
  under: a.under * b.under,
})
const countBy = (kinds: string[]): Json =>
  Object.fromEntries(
    ['added', 'removed', 'changed'].map((kind) => [kind, wholeCell(kinds.filter((one) => one === kind).length)]),
  )
const nonZero = (amounts: Record<string, bigint>): Row =>
  Object.fromEntries(
    Object.entries(amounts).flatMap(([name, amount]) => (amount === 0n ? [] : [[name, wholeCell(amount)]])),
  )

const rowsOfFilms = new WeakMap<FilmRecord, Row>()

/** What the film alone would be as a row; each of its measures asks for it, in each row that has the film. */
function rowOf(film: FilmRecord): Row {
  const row = rowsOfFilms.get(film) ?? measures([inFull(film)])
  rowsOfFilms.set(film, row)
  return row
}

/** What decides how much the film alone would give to a measure; null when it is not there or gives nothing. */
function givenTo(measure: string, film: FilmRecord | undefined): Json {
  if (!film || NAMES.includes(measure)) return null
  const alone = rowOf(film)
  if (measure === 'roi') return alone.roi === null ? null : [known(film.budget), known(film.revenue)].map(String)
  if (measure === 'vote_average') return alone.vote_average === null ? null : [film.voteAverage, alone.vote_count]
  if (measure === 'popularity') return film.popularity === '' ? null : numberCell(fraction(film.popularity), 60)
  if (measure === 'undated') return film.releaseDate === '' ? '1' : null
  if (measure === 'first_year' || measure === 'last_year') return film.releaseDate === '' ? null : yearOf(film)
  const amount = alone[measure] as Cell
  return /known|matched_releases/.test(measure) && amount === wholeCell(0) ? null : amount
}

/** Of a ranking the value is that of its measure, and the rest rests on it. */
function givenIn({ report, params }: Asked, name: string, film: FilmRecord | undefined): Json {
  const { measure = 'revenue' } = params
  if (!film || NAMES.includes(name)) return null
  const { budget, revenue } = inFull(film)
  switch (report) {
    case 'rankings':
      if (name === 'releases') return wholeCell(1)
      return name === 'value' || BY_VALUE.includes(name) ? givenTo(measure, film) : null
    case 'top-films':
      if (name === 'value' || name === 'rank') return figureOf(inFull(film), params, null)
      if (name === 'release_date') return film.releaseDate || null
      if (name === 'year') return film.releaseDate === '' ? null : wholeCell(yearOf(film))
      return givenTo(name, film)
    case 'roi': {
      const [cost, income] = [budget as bigint, revenue as bigint]
      if (name === 'films') return wholeCell(1)
      if (name === 'lost') return income < cost ? wholeCell(1) : null
      return name === 'mean_roi' ? [cost, income].map(String) : numberCell({ over: income - cost, under: cost }, 60)
    }
    default:
      return givenTo(name, film)
  }
}

/** Columns that are sums over films. */
function sumsOf({ report, params: { measure = 'revenue' } }: Asked): string[] {
  const value = NO_SUMS.includes(measure) ? [] : ['value']
  switch (report) {
    case 'films':
      return SUMS_OF_FILMS
    case 'rankings':
      return ['releases', ...value]
    case 'top-films':
      return ['budget', 'revenue', ...value]
    case 'roi':
      return ['films', 'lost']
    default:
      return SUMS
  }
}

/** The measures that the columns which count come from. */
function restingOn({ report, params: { measure = 'revenue' } }: Asked, counted: string[]): string[] {
  const ofValue = report === 'top-films' && measure === 'vote_average' ? 'own_vote_average' : measure
  return counted.map((name) => {
    if (report === 'roi' && name !== 'group') return 'roi'
    return name === 'value' || BY_VALUE.includes(name) ? ofValue : name
  })
}

const effectOf = (asked: Asked, { was, is }: Moved, sums: string[]): Record<string, bigint> =>
  Object.fromEntries(
    sums.map((name) => [name, amountOf(givenIn(asked, name, is)) - amountOf(givenIn(asked, name, was))]),
  )

const amountOf = (cell: Json): bigint => (cell === null || cell === undefined ? 0n : BigInt(plain(String(cell))))

function changedRow(was: Row | undefined, is: Row | undefined, asked: Asked, isHead: (name: string) => boolean): Json {
  const { report, fields } = asked
  const shown = (fields ?? REPORTS[report].columns).filter((name) => !isHead(name))
  const names = (fields ?? REPORTS[report].columns).filter((name) => NAMES.includes(name) && isHead(name))
  const renamed = was && is && names.some((name) => was[name] !== is[name])
  const side = (row: Row | undefined) =>
    row ? Object.fromEntries([...(renamed ? names : []), ...shown].map((name) => [name, row[name]])) : null
  const differences = shown
    .filter((name) => sumsOf(asked).includes(name))
    .map((name): [string, bigint] => [name, amountOf(is?.[name]) - amountOf(was?.[name])])
  const head = is ?? (was as Row)
  return {
    ...Object.fromEntries(REPORTS[report].columns.filter(isHead).map((name) => [name, head[name]])),
    change: !was ? 'added' : !is ? 'removed' : 'changed',
    before: side(was),
    after: side(is),
    difference: nonZero(Object.fromEntries(differences)),
    ...(report === 'rankings' || report === 'top-films'
      ? { elsewhere: shown.filter((name) => ELSEWHERE.includes(name) && !same(was?.[name], is?.[name])) }
      : {}),
  }
}

/** What the row is sorted by: what says which it is, and the size of each number's difference. */
function orderOf(was: Row | undefined, is: Row | undefined, isHead: (name: string) => boolean): Row {
  const head = is ?? (was as Row)
  const numberOf = (row: Row | undefined, name: string) => {
    const cell = row?.[name]
    return typeof cell === 'string' && isNumber(cell) ? fraction(plain(cell)) : whole(0n)
  }
  return Object.fromEntries(
    Object.keys(head).map((name) => [
      name,
      isHead(name) ? (head[name] as Cell) : numberCell(distance(numberOf(is, name), numberOf(was, name)), 60),
    ]),
  )
}

/** What is told of a film, and compared. */
function factsOf(oracle: Oracle, film: FilmRecord): Json {
  const { collection } = film
  const text = (value: string) => value || null
  const number = (value: string) => (value === '' ? null : numberCell(fraction(value), 60))
  const list = (name: 'companies' | 'genres', id: string) =>
    [...new Set(film[name].map((one: Named) => one.id))]
      .map((one) => ({
        [id]: wholeCell(one),
        name: oracle.name(name === 'companies' ? 'company' : 'genre', one),
        order: one,
      }))
      .sort((a, b) => byCodePoint(a.name as string, b.name as string) || (a.order as number) - (b.order as number))
      .map(({ order, ...one }) => one)
  /** Those without a name stand last. */
  const coded = (dimension: 'country' | 'language', id: string, list: { code: string }[]) =>
    [...new Set(list.map(({ code }) => code))]
      .map((code) => ({ [id]: code, name: oracle.name(dimension, code) }))
      .sort(
        (a, b) =>
          Number(a.name === null) - Number(b.name === null) ||
          byCodePoint(a.name ?? '', b.name ?? '') ||
          byCodePoint(a[id] as string, b[id] as string),
      )
  return {
    title: film.title,
    release_date: text(film.releaseDate),
    release_precision: 'day',
    status: text(film.status),
    original_language: text(film.originalLanguage),
    content_rating: text(film.contentRating),
    runtime: Number(film.runtime) === 0 ? null : number(film.runtime),
    budget: known(film.budget) === null ? null : wholeCell(known(film.budget) as bigint),
    revenue: known(film.revenue) === null ? null : wholeCell(known(film.revenue) as bigint),
    popularity: number(film.popularity),
    vote_average: number(film.voteAverage),
    vote_count: number(film.voteCount),
    suspect: oracle.suspect(film),
    collection: collection && {
      collection_id: wholeCell(collection.id),
      name: oracle.name('collection', collection.id),
    },
    companies: list('companies', 'company_id'),
    genres: list('genres', 'genre_id'),
    countries: coded('country', 'country_code', film.countries),
    languages: coded('language', 'language_code', film.spoken),
    crew: film.crew.map(({ id, job }) => ({
      person_id: wholeCell(id),
      name: oracle.name('person', id),
      job,
      department: null,
    })),
  }
}
