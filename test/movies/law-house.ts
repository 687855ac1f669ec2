import assert from 'node:assert/strict'
import { utimes } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { Test } from 'tap'
import type { LoadRequest } from '../../ingest/ledger.ts'
import type { LoadView } from '../../queries/loads.ts'
import { build, type House } from '../build.ts'
import { askJson, askNdjson } from './asking.ts'
import { besideFiles, pricesOf, ratingsOf } from './dataset-beside-files.ts'
import { type DatasetFile, writeDataset } from './dataset-file.ts'
import { wholeCell } from './exact.ts'
import { FILE_DATE } from './film-arbitraries.ts'
import { Oracle, REPORTS, type ReportName, type Snapshot } from './oracle.ts'
import type { FilmRecord, Row } from './oracle-figures.ts'
import type { PriceIndexes } from './oracle-prices.ts'
import { type Question, queryOf } from './questions.ts'
import { type VegaFilm, type VegaIds, vegaKey, vegaRecords, writeVega } from './vega-file.ts'

export const REPORT_NAMES = Object.keys(REPORTS) as ReportName[]

/** A house in which random files are loaded one after another, each with the oracle that knows what it holds. */
export class LawHouse {
  readonly house: House
  /** Where it listens. */
  readonly origin: string

  private constructor(house: House, origin: string) {
    this.house = house
    this.origin = origin
  }

  static async open(t: Test): Promise<LawHouse> {
    const house = await build(t)
    await house.app.listen({ host: '127.0.0.1', port: 0 })
    return new LawHouse(house, `http://127.0.0.1:${(house.app.server.address() as AddressInfo).port}`)
  }

  #loads = 0

  /** Loads a file that was last written on FILE_DATE; from a place of its own, as it may have far fewer films than the one before. */
  async load(fileName: string, text: string, request: Partial<LoadRequest> = {}): Promise<LoadView> {
    return await this.house.load(await this.#written(fileName, text, this.#loads++), request)
  }

  /** Loads a folder of such files. */
  async loadFolder(files: Map<string, string>, request: Partial<LoadRequest> = {}): Promise<LoadView> {
    const number = this.#loads++
    let place = ''
    for (const [name, text] of files) place = await this.#written(name, text, number)
    return await this.house.load(path.dirname(place), request)
  }

  async #written(fileName: string, text: string, folder: number): Promise<string> {
    const place = await this.house.file(`${folder}/${fileName}`, text)
    await utimes(place, new Date(FILE_DATE), new Date(FILE_DATE))
    return place
  }

  /** The price indexes of the published load; those that a load does not bring it has from the one before. */
  #prices: PriceIndexes = new Map()

  async loadDataset(file: DatasetFile) {
    const written = writeDataset(file)
    const { beside } = file
    const files = new Map([['movies_metadata.csv', written.text], ...(beside ? besideFiles(beside) : [])])
    const load = await this.#published(
      beside
        ? this.loadFolder(files, { force: true })
        : this.load('movies_metadata.csv', written.text, { force: true }),
    )
    if (beside) this.#prices = pricesOf(beside, load.id)
    const ratings = beside ? ratingsOf(written.records, beside) : null
    return { ...written, files, load, oracle: oracleOf(load, written.records, { ratings, prices: this.#prices }) }
  }

  async loadVega(films: VegaFilm[]) {
    const load = await this.#published(this.load('movies.json', writeVega(films), { force: true }))
    const ids = await this.#vegaIds()
    return { load, ids, oracle: oracleOf(load, vegaRecords(films, ids), { prices: this.#prices }) }
  }

  async #published(loading: Promise<LoadView>): Promise<LoadView> {
    const load = await loading
    if (load.state !== 'published') {
      const { body } = await this.house.get(`/v1/loads/${load.id}/checks`)
      assert.fail(`load ${load.id} is ${load.state}: ${load.error ?? JSON.stringify(body.data[0])}`)
    }
    return load
  }

  /** The ids that the program gave to what the published load names. */
  async #vegaIds(): Promise<VegaIds> {
    const rows = async (report: string) => (await this.house.get(`/v1/movies/${report}?limit=1000`)).body.data
    const ids: VegaIds = { films: new Map(), companies: new Map(), genres: new Map(), people: new Map() }
    for (const { company, company_id } of await rows('companies')) ids.companies.set(company, company_id)
    for (const { genre, genre_id } of await rows('genres')) ids.genres.set(genre, genre_id)
    for (const { film_id, title, release_date } of await rows('films')) {
      ids.films.set(vegaKey(title, release_date), film_id)
      const { body } = await this.house.get(`/v1/movies/films/${film_id}`)
      for (const { name, person_id } of body.data.crew ?? []) ids.people.set(name, person_id)
    }
    return ids
  }

  /** All figures of all reports, but for the columns that name a line or a load. */
  async allFigures(): Promise<Record<string, Row[]>> {
    const figures: Record<string, Row[]> = {}
    for (const name of REPORT_NAMES) {
      const columns = REPORTS[name].columns.filter((column) => !/^(source_line|load_id|source_load_id)$/.test(column))
      figures[name] = await askNdjson(this.house, name, { fields: columns.join(','), sort: REPORTS[name].sort })
    }
    return figures
  }

  /** Asks for one page, and compares all of the answer with what the oracle says. */
  async compare(oracle: Oracle, loadId: number, { limit, ...asked }: Question): Promise<void> {
    const { report, params, sort } = asked
    const query = { ...queryOf(asked), limit: String(limit), count: 'exact' }
    const { rows, meta } = await askJson(this.house, report, query)
    const expected = shown(oracle.rows(report, params, sort), asked.fields)
    assert.deepEqual(rows, expected.slice(0, limit))
    const columns = asked.fields ?? REPORTS[report].columns
    for (const row of rows) assert.deepEqual(Object.keys(row), columns, 'columns in order')
    const { next, load, partial_from, excluded, ...told } = meta
    const { partial_from: first, excluded: left, ...others } = oracle.meta(report, params)
    assert.deepEqual([partial_from, excluded], [first, left])
    // What else an answer tells of its report is that report's own.
    const facts = ['report', 'rows', 'complete', 'total', 'prices', 'reconciliation'].filter((name) => name in told)
    assert.deepEqual(Object.fromEntries(facts.map((name) => [name, told[name]])), {
      report: `movies/${report}`,
      rows: wholeCell(Math.min(limit, expected.length)),
      complete: expected.length <= limit,
      total: wholeCell(expected.length),
      ...others,
    })
    assert.equal(next === null, expected.length <= limit)
    assert.deepEqual([load.id, load.data_through], [wholeCell(loadId), oracle.dataThrough()])
  }
}

/** What knows the films of a load. */
export const oracleOf = (
  { id, files }: LoadView,
  records: FilmRecord[],
  others: Pick<Snapshot, 'ratings' | 'prices'> = {},
) => {
  const fileName = files.find(({ family }) => family === 'films')?.name as string
  return new Oracle(records, { ...others, fileName, fileDate: FILE_DATE, loadId: id })
}

/** Rows with the columns that were asked for. */
export const shown = (rows: Row[], fields: string[] | undefined): Row[] =>
  fields === undefined
    ? rows
    : rows.map((row) => Object.fromEntries(Object.entries(row).filter(([column]) => fields.includes(column))))
