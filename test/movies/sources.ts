import { MOVIE_COLUMNS } from '../../ingest/movies/generate.ts'

/** Small source files, sound but for what a test puts into them. */

export type Cells = Record<string, string>

/** A film of The Movies Dataset as text, by column. */
export const soundFilm = (id: number): Cells => ({
  id: String(id),
  title: `Film ${id}`,
  release_date: '1995-10-30',
  budget: '30000000',
  revenue: '373554033',
  popularity: '21.9',
  status: 'Released',
  original_language: 'en',
  production_companies: "[{'name': 'Pixar Animation Studios', 'id': 3}]",
  genres: "[{'id': 16, 'name': 'Animation'}]",
})

/** `movies_metadata.csv` with one line for each film, numbered from 1, but for the cells that are given. */
export function metadata(films: Cells[], { lineEnd = '\n', columns = MOVIE_COLUMNS } = {}): string {
  const lines = films.map((cells, index) => {
    const film = { ...soundFilm(index + 1), ...cells }
    return columns.map((column) => quoted(film[column] ?? '')).join(',')
  })
  return [columns.join(','), ...lines].map((line) => line + lineEnd).join('')
}

const quoted = (cell: string) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)

/** So many sound films. */
export const sound = (films: number): Cells[] => Array.from({ length: films }, () => ({}))

/** `movies.json` of vega-datasets with a film for each entry, which is the JSON text of its keys; the films are numbered from 1. */
export function vega(films: string[]): string {
  const records = films.map((keys, index) => {
    const film = { Title: `Film ${index + 1}`, 'Release Date': 'Jun 12 1998', Distributor: 'Gramercy' }
    // Of a key that stands twice the last counts.
    return `${JSON.stringify(film).slice(0, -1)}${keys === '' ? '' : `, ${keys}`}}`
  })
  return `[${records.join(',\n')}]`
}
