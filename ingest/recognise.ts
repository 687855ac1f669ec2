import { type Header, headerOf, notAnArray } from './header.ts'
import type { Entry } from './open.ts'
import { UnreadableFileError } from './parse.ts'
import { SourceError } from './source-error.ts'
import type { FileFormat, Format, Subject } from './subject.ts'

/** A format, and the one of its files that an entry is read as. */
export interface Recognised {
  format: Format
  of: FileFormat
}

/**
 * What a file is, told by its header, whatever it is called; a file whose header fits no format is what its name says, so that a
 * column that vanished is told by whoever reads it. What is no whole load may be a part of one.
 * @param idSpace decides between formats that have the same part
 * @throws SourceError saying which columns of the nearest format are missing, or which formats it may be
 * @throws UnreadableFileError when it is no text of records
 */
export async function recognise(
  subject: Subject,
  entry: Entry,
  signal: AbortSignal,
  idSpace?: string,
): Promise<Recognised> {
  const byName = requiredFiles(subject.formats).find(({ of }) => isNamed(of, entry.base))
  const header = await headerOf(entry, signal).catch((error: unknown) => {
    if (error instanceof UnreadableFileError && byName) return undefined
    throw error
  })
  const fit = header ? fitting(subject.formats, header) : []
  const found = fit.length > 1 ? fit.find(({ of }) => of === byName?.of) : (fit[0] ?? byName)
  if (found) return found
  if (fit.length > 1) {
    const names = fit.map(({ format }) => format.name)
    throw new SourceError(`${entry.name} may be of the format ${names.join(' or ')}: name the one that is meant`)
  }
  const part = inSpace(partsLike(subject.formats, entry, header as Header), idSpace)
  if (part) return part
  throw new SourceError(`${entry.name} ${strangeness(subject, header as Header)}`)
}

/**
 * An entry as the file of a format that its user named.
 * @throws SourceError when its header is that of another one: read as this one, half of its columns would be unreadable
 */
export async function readAs(subject: Subject, format: Format, entry: Entry, signal: AbortSignal): Promise<Recognised> {
  const of = format.files.find((file) => isNamed(file, entry.base)) ?? format.files.find((file) => file.required)
  if (!of) throw new SourceError(`format ${format.name} has no file to read ${entry.name} as`)
  const header = await headerOf(entry, signal).catch((error: unknown) => {
    // Whoever reads it tells better.
    if (error instanceof UnreadableFileError) return undefined
    throw error
  })
  if (header && fitting([format], header).length === 0) {
    const others = fitting(
      subject.formats.filter((other) => other !== format),
      header,
    ).map((other) => other.format.name)
    if (others.length > 0)
      throw new SourceError(
        `${entry.name} has the columns of ${others.join(' or ')}, and not those of ${format.name}; name that format, or none`,
      )
  }
  return { format, of }
}

/** Whether a file goes by one of the format's names for it: the same, or with a date: `movies_metadata-2026-11.csv`. */
export const isNamed = (of: FileFormat, base: string): boolean => rankOf(of, base) >= 0

/** Which of the names it goes by, the preferred one being 0; -1: none. What columns alone tell goes by no name. */
export function rankOf({ fileName, otherNames = [], every, fits }: FileFormat, base: string): number {
  if (every) return every.test(base) ? 0 : -1
  return fits ? -1 : [fileName, ...otherNames].findIndex((name) => goesBy(name, base))
}

function goesBy(name: string, base: string): boolean {
  if (base === name) return true
  const stem = name.slice(0, name.lastIndexOf('.'))
  const ending = name.slice(stem.length)
  const between = base.slice(stem.length, -ending.length)
  return base.startsWith(stem) && base.endsWith(ending) && DATE.test(between)
}

/** A year, month or day, and perhaps a time. */
const DATE = /^[-_. ]?(?:19|20)\d\d(?:[-_.]?\d\d){0,2}(?:[-_.T ]?\d\d[-_.]?\d\d(?:[-_.]?\d\d)?Z?)?$/

/** Files beside the required ones, which one can tell by name or header, as these stand in no other. */
export const partialFiles = (formats: Format[]): Recognised[] =>
  formats.flatMap((format) =>
    format.files.filter(({ required, fits }) => !required && !fits).map((of) => ({ format, of })),
  )

/** Such files whose columns these are, all of them and no others; or else those of the name. */
function partsLike(formats: Format[], { base }: Entry, { notation, columns }: Header): Recognised[] {
  const parts = partialFiles(formats)
  const fit = parts.filter(
    ({ of }) =>
      of.read === notation &&
      of.columns.every((one) => columns.includes(one)) &&
      columns.every((one) => knownOf(of).includes(one)),
  )
  return fit.length > 0 ? fit : parts.filter(({ of }) => isNamed(of, base))
}

/** Of formats that would do the one whose ids are those of what is published. */
export const inSpace = <Of extends { format: Format }>(found: Of[], idSpace: string | undefined): Of | undefined =>
  found.find(({ format }) => format.idSpace === idSpace) ?? found[0]

/** Required files alone: a whole load has them. */
export const requiredFiles = (formats: Format[]): Recognised[] =>
  formats.flatMap((format) => format.files.filter((of) => of.required).map((of) => ({ format, of })))

/**
 * The files of formats all of whose columns a header has; of several those that know most of its columns, which is one but for a tie.
 * @param named the format is decided, so nothing need be told from others
 */
export function fitting(formats: Format[], { notation, columns }: Header, named = false): Recognised[] {
  const fit = requiredFiles(formats)
    .filter(({ of }) => of.read === notation)
    .filter(({ of }) =>
      of.fits ? of.fits(columns) : (named ? of.columns : neededOf(of)).every((one) => columns.includes(one)),
    )
    .map((one) => ({ ...one, known: knownOf(one.of).filter((column) => columns.includes(column)).length }))
  const most = Math.max(...fit.map(({ known }) => known))
  return fit.filter(({ known }) => known === most).map(({ format, of }) => ({ format, of }))
}

const knownOf = (of: FileFormat) => [...new Set([...of.columns, ...of.optional, ...of.telling])]
const neededOf = (of: FileFormat) => [...new Set([...of.columns, ...of.telling])]

/** The rest of a sentence that begins with the file's name. */
function strangeness({ name, formats }: Subject, { notation, columns }: Header): string {
  const reads = formats.flatMap(({ files }) => files.map(({ read }) => read))
  if (notation === 'json-lines' && !reads.includes(notation)) return notAnArray
  if (columns.length === 0) return 'begins with no record by which its format could be told: name its format'
  const lacking = requiredFiles(formats)
    .filter(({ of }) => of.read === notation && !of.fits)
    .map(({ format, of }) => {
      const needed = neededOf(of)
      const missing = needed.filter((column) => !columns.includes(column))
      return { format, missing, share: missing.length / needed.length }
    })
  const least = Math.min(...lacking.map(({ share }) => share))
  if (least < 1) {
    const nearest = lacking.filter(({ share }) => share === least)
    const lacks = nearest.map(({ format, missing }) => `to be ${format.name} it lacks ${missing.join(', ')}`)
    return `is of no format that ${name} knows: ${lacks.join('; ')}`
  }
  const shown = columns.slice(0, 10).map((column) => (column.length > 40 ? `${column.slice(0, 40)}…` : column))
  return `is of no format that ${name} knows: its columns are ${shown.join(', ')}${columns.length > 10 ? ` and ${columns.length - 10} more` : ''}`
}
