import path from 'node:path'
import type { Entry, Place } from './open.ts'
import type { RawRecord } from './parse.ts'
import { SourceError } from './source-error.ts'
import type { FileFormat, Format, Subject } from './subject.ts'

/** An entry of a source, and what it is read as. */
export interface SourceFile extends Entry {
  of: FileFormat
  /** Its number in the ledger, where that is not its place in the source. */
  fileNo?: number
  /** Its records, where they need not be parsed from its bytes. */
  records?(): AsyncIterable<RawRecord<Record<string, unknown>>[]>
}

export interface Source {
  format: Format
  files: SourceFile[]
}

/**
 * Decides which format a source is of, and which of its files are read as what.
 * @param formatName chosen by file name and kind when absent
 * @throws SourceError with what is missing and where
 */
export function chooseFiles(subject: Subject, place: Place, formatName?: string): Source {
  const named = formatName === undefined ? undefined : formatNamed(subject, formatName)
  const [only] = place.entries
  if (!place.single || !only) return chooseInFolder(subject, place, named)
  const format = named ?? formatOfFile(subject, only.base)
  const of = format.files.find((file) => file.fileName === only.base) ?? format.files.find((file) => file.required)
  if (!of) throw new SourceError(`format ${format.name} has no file to read ${only.name} as`)
  return { format, files: [{ ...only, of }] }
}

function chooseInFolder(subject: Subject, place: Place, named: Format | undefined): Source {
  const entry = (file: FileFormat) => place.entries.find(({ base }) => base === file.fileName)
  const complete = (format: Format) => format.files.every((file) => !file.required || entry(file))
  const format = named ?? subject.formats.find(complete)
  if (!format || !complete(format)) {
    const required = ({ name, files }: Format) => {
      const names = files.filter((file) => file.required).map((file) => file.fileName)
      return `${names.join(' and ')} (${name})`
    }
    const wanted = (format ? [format] : subject.formats).map(required).join(' or ')
    throw new SourceError(`${place.name} has no ${wanted}`)
  }
  const files = format.files.flatMap((of) => {
    const found = entry(of)
    return found ? [{ ...found, of }] : []
  })
  return { format, files }
}

function formatNamed(subject: Subject, name: string): Format {
  const format = subject.formats.find((candidate) => candidate.name === name)
  if (format) return format
  throw new SourceError(
    `${subject.name} has no format ${name}; it has ${subject.formats.map((f) => f.name).join(', ')}`,
  )
}

function formatOfFile(subject: Subject, name: string): Format {
  const kind = path.extname(name).toLowerCase() === '.json' ? 'json' : 'csv'
  const format =
    subject.formats.find(({ files }) => files.some((file) => file.fileName === name)) ??
    subject.formats.find(({ files }) => files.some((file) => file.required && file.read === kind))
  if (format) return format
  throw new SourceError(`${name} is no ${kind.toUpperCase()} file that ${subject.name} understands`)
}
