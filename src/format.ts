import type { ReadonlyKysely } from 'kysely/readonly'
import type { Line, Page, ReadPage } from '../queries/page.ts'
import type { Report, Rows } from '../queries/report.ts'
import type { Question } from './question.ts'
import type { Sum } from './sum.ts'

/**
 * A notation of a report's rows: everything that tells it from the others, in one place. PostgreSQL writes the rows, or the texts
 * that they are made of; the format puts them together. `src/formats.ts` lists them all.
 */
export interface Format {
  /** The value of `format`, and the ending of a file's name. */
  name: string
  /** As people call it. */
  title: string
  mediaType: string
  /** The media type as it is sent, with its parameters. */
  contentType: string
  /** Whether it is for programs alone: a page, too, is sent as a file, and never packed, as it is packed already. */
  binary: boolean
  /** Most rows of a page. */
  mostRows: number
  /** Whether `meta` is told with a page. */
  tellsMeta: boolean
  /** What PostgreSQL writes of each row of a page, and between two of them. */
  line: Line
  separator: string
  /** A page as it is sent. @param next cursor of the page after, if any */
  page(read: ReadPage, question: Question, next: string | null): string | Uint8Array
  /** How the whole result is written when there is no limit; without it there are pages only. */
  whole?: WholeFormat
}

export interface WholeFormat {
  /** Whether HTTP trailers tell that a download is whole. */
  trailers: boolean
  /** What PostgreSQL hands over of each row. */
  // biome-ignore lint/suspicious/noExplicitAny: the rows of any report
  rows(db: ReadonlyKysely<any>, report: Report, rows: Rows<unknown>, page: Page): Rows<any>
  /** Everything, as it comes; nothing before there are rows, so that what fails until then is still a problem with a status. */
  // biome-ignore lint/suspicious/noExplicitAny: see above
  write(batches: AsyncIterable<any[]>, question: Question, sum: Sum): AsyncGenerator<string | Uint8Array>
}

/** A page is made in memory; what is larger is streamed, by asking without a limit. */
export const MOST_ROWS = 10_000
