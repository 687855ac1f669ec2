import { wholeCell } from './exact.ts'
import { type CellOfFilms, cellsOf } from './oracle-cells.ts'
import { columnsOf, isSelected, type Member, SELECTS } from './oracle-dimensions.ts'
import { excluded, isOfPeriods } from './oracle-excluded.ts'
import { type FilmRecord, lifetime, measures, type Portion, type Ratings, type Row } from './oracle-figures.ts'
import { filmRow } from './oracle-film-rows.ts'
import { counts, holds, suspicions } from './oracle-filters.ts'
import { figureOf, groupsOf, isMatched, ratingRows, returns, topFilms } from './oracle-groups.ts'
import { Names } from './oracle-names.ts'
import { inOrder } from './oracle-order.ts'
import { isPartial, partialFrom, yearOfPeriod } from './oracle-periods.ts'
import { type PriceIndexes, priced, pricesMeta } from './oracle-prices.ts'
import { membersIn, rankings } from './oracle-rankings.ts'
import { type DimensionName, filtersOf, type Params, REPORTS, type ReportName, withoutRows } from './oracle-reports.ts'
import { reconciliation } from './oracle-split.ts'

export { type Params, REPORTS, type ReportName }

/** What a load holds beside its films, and where they were read. */
export interface Snapshot {
  fileName: string
  fileDate: string
  loadId: number
  ratings?: Ratings
  prices?: PriceIndexes
}

/**
 * An independent calculator of the reports on films: plain loops over records, exact arithmetic, and nothing of the program's.
 * What it says a figure means is what DESIGN.md says; where the program disagrees, one of the two is wrong.
 */
export class Oracle {
  /** The last record of each id. */
  readonly films: FilmRecord[]
  readonly #names: Names
  readonly #at: Snapshot
  readonly #ratings: Ratings
  readonly #prices: PriceIndexes

  constructor(records: FilmRecord[], at: Snapshot) {
    this.films = [...new Map(records.map((record) => [record.id, record])).values()]
    this.#names = new Names(this.films)
    this.#at = at
    this.#ratings = at.ratings ?? null
    this.#prices = at.prices ?? new Map()
  }

  /** All rows with all columns, in the order of `sort`. */
  rows(name: ReportName, params: Params, sort: string = REPORTS[name].sort): Row[] {
    return inOrder(this.#rows(name, params), sort, REPORTS[name].key)
  }

  #rows(name: ReportName, params: Params): Row[] {
    const [names, ratings] = [this.#names, this.#ratings]
    switch (REPORTS[name].kind) {
      case 'film':
        return this.#counted(params).map((film) => filmRow(film, this.#at))
      case 'rankings': {
        const { from, to, ...others } = without(params, [params.dimension ?? 'company'])
        return rankings(this.#counted(others, params), params, { names, ratings, dataThrough: this.dataThrough() })
      }
      case 'top-films':
        return topFilms(this.#grouped(params, params.by ?? 'year'), params, names, ratings, this.#at)
      case 'roi':
        return returns(this.#grouped(params, params.by ?? 'genre'), params, names)
      case 'ratings':
        return ratingRows(this.#grouped(params, params.by ?? 'film'), params, names, ratings)
      default:
        return this.#shownCells(name, params).map(({ row }) => row)
    }
  }

  /** `meta` of a report, beside what every answer has. */
  meta(name: ReportName, params: Params): Record<string, unknown> {
    const { kind } = REPORTS[name]
    const by: DimensionName[] = REPORTS[name].by
    const { grain = 'year', attribution } = params
    const left = excluded(this.films, name, params, this.#at.fileDate, this.#prices)
    const prices = pricesMeta(params, this.#prices)
    const isPeriodic = isOfPeriods(name, params)
    const reconciled = () =>
      reconciliation(
        this.#shownCells(name, params).map(({ cell }) => cell),
        this.#counted(withoutRows(filtersOf(name, params))).filter(
          ({ film }) => kind === 'life' || film.releaseDate !== '',
        ),
        by,
        params,
      )
    return {
      excluded: left,
      ...(isPeriodic
        ? { partial_from: partialFrom(this.dataThrough(), params.by === 'decade' ? 'decade' : grain) }
        : {}),
      ...(prices ? { prices } : {}),
      ...(attribution ? { reconciliation: reconciled() } : {}),
    }
  }

  /** The latest release date, not after the file's own, among films with status Released or none. */
  dataThrough(): string | null {
    const dates = this.films
      .filter(({ status, releaseDate }) => ['', 'Released'].includes(status) && releaseDate <= this.#at.fileDate)
      .map(({ releaseDate }) => releaseDate)
    return dates.sort().at(-1) || null
  }

  /** Why its figures are probably wrong. */
  suspect(film: FilmRecord): string[] {
    return suspicions(film, this.#at.fileDate)
  }

  name(dimension: DimensionName, id: number | string): string | null {
    return this.#names.of(dimension, id)
  }

  /** Films that pass the filters, with their money. */
  #counted(filters: Params, { prices, base_year, price_index }: Params = filters): Portion[] {
    return this.films
      .filter((film) => counts(film, filters, this.#at.fileDate))
      .map((film) => priced(film, { prices, base_year, price_index }, this.#prices))
  }

  /** Films for a report in groups: an id of what groups them selects groups. */
  #grouped(params: Params, by: string): Portion[] {
    return this.#counted(by === 'company' || by === 'genre' ? without(params, [by]) : params)
  }

  /** The films in each cell of a report, whatever cells show, each with the columns that say which it is. */
  cells(name: ReportName, params: Params): { head: Row; cell: CellOfFilms }[] {
    const by: DimensionName[] = REPORTS[name].by
    const isLife = REPORTS[name].kind === 'life'
    const films = this.#counted(without(withoutRows(params), by))
    return cellsOf(films, by, params, isLife ? undefined : (params.grain ?? 'year')).map((cell) => {
      const heads = by.map((dimension, index) => columnsOf(cell.members[index] as Member, dimension, this.#names))
      return { head: Object.assign({}, ...heads, isLife ? {} : { period: cell.period }), cell }
    })
  }

  /** The films in each row of a report, whatever rows show, each with the columns of its key. */
  filmsInRows(name: ReportName, params: Params): { head: Row; films: FilmRecord[] }[] {
    const [names, ratings] = [this.#names, this.#ratings]
    const told = (head: Row, portions: Portion[]) => ({ head, films: portions.map(({ film }) => film) })
    switch (REPORTS[name].kind) {
      case 'rankings': {
        const { dimension = 'company', measure = 'revenue' } = params
        return membersIn(this.#counted(without(params, [dimension])), dimension, params)
          .filter(
            ({ id, portions }) =>
              measures(portions, ratings)[measure] !== null && isSelected({ id }, dimension, params),
          )
          .map(({ id, period, portions }) => told({ period, id: String(id) }, portions))
      }
      case 'top-films': {
        const by = params.by ?? 'year'
        return groupsOf(this.#grouped(params, by), by, params, names).flatMap(({ head, films }) =>
          films
            .filter((film) => figureOf(film, params, ratings) !== null)
            .map((film) => told({ ...head, film_id: wholeCell(film.film.id) }, [film])),
        )
      }
      case 'roi': {
        const by = params.by ?? 'genre'
        const groups = groupsOf(this.#grouped(params, by).filter(isMatched), by, params, names)
        return groups.map(({ head, films }) => told(head, films))
      }
      default:
        return this.cells(name, params).map(({ head, cell }) => told(head, cell.portions))
    }
  }

  #shownCells(name: ReportName, params: Params): { row: Row; cell: CellOfFilms }[] {
    const { min_releases = 0, q, aggregate } = params
    const dataThrough = this.dataThrough()
    const [dimension] = REPORTS[name].by
    return this.cells(name, params).flatMap(({ head, cell }) => {
      const figures = measures(cell.portions, this.#ratings, aggregate)
      const year = REPORTS[name].kind === 'life' ? undefined : yearOfPeriod(cell.period)
      const time: Row =
        year === undefined
          ? lifetime(cell.portions.map(({ film }) => film))
          : { year: year === null ? null : wholeCell(year), partial: isPartial(cell.period, params, dataThrough) }
      const isShown =
        Number((figures.releases as string).slice(1)) >= min_releases &&
        holds(q === undefined || !dimension ? '' : (head[dimension] as string), q)
      return isShown ? [{ row: { ...head, ...time, ...figures }, cell }] : []
    })
  }
}

/** Less what selects members of the dimensions. */
function without(params: Params, by: DimensionName[]): Params {
  const selections: string[] = by.map((dimension) => SELECTS[dimension])
  return Object.fromEntries(Object.entries(params).filter(([name]) => !selections.includes(name)))
}
