import { chooseInFolder } from './choose-in-folder.ts'
import type { Entry, Place } from './open.ts'
import type { RawRecord } from './parse.ts'
import { readAs, recognise } from './recognise.ts'
import { SourceError } from './source-error.ts'
import type { FileFormat, Format, Subject } from './subject.ts'

/** An entry of a source, and what it is read as. */
export interface SourceFile extends Entry {
  of: FileFormat
  /** Its number in the ledger, where that is not its place in the source. */
  fileNo?: number
  /** The header that its records stood under, where they are without it. */
  columns?: string[] | null
  /** Its records, where they need not be parsed from its bytes. */
  records?(): AsyncIterable<RawRecord<Record<string, unknown>>[]>
}

export interface Source {
  format: Format
  files: SourceFile[]
  /** What the choice left aside, for the load to say. */
  notes: string[]
}

/** The ledger numbers them in two bytes. */
const MOST_FILES = 32_767

/** What is known of a source beforehand. */
export interface Wanted {
  /** Recognised by header, then by name, when absent. */
  format?: string | undefined
  /** A merge may lack the file that a format requires: what is told of films that are published. */
  mode?: 'replace' | 'merge' | undefined
  /** What ids mean in the published load. */
  idSpace?: string | undefined
}

/**
 * Decides which format a source is of, and which of its files are read as what. In a folder a file is found by its name, with or without
 * a date in it, else by its header; of several the newest is taken, and the others are named in a note.
 * @throws SourceError with what is missing and where
 * @throws UnreadableFileError when the one file that there is, is no text of records
 */
export async function chooseFiles(
  subject: Subject,
  place: Place,
  wanted: Wanted = {},
  signal = new AbortController().signal,
): Promise<Source> {
  const named = wanted.format === undefined ? undefined : formatNamed(subject, wanted.format)
  const choice: Choice = { subject, place, named, idSpace: wanted.idSpace, signal }
  const [only] = place.entries
  const source = place.single && only ? await chooseOnly(choice, only) : await chooseInFolder(choice)
  const missing = source.format.files.find((of) => of.required && !source.files.some((file) => file.of === of))
  if (source.files.length > MOST_FILES)
    throw new SourceError(
      `${place.name} has ${source.files.length.toLocaleString('en')} files to read; ${MOST_FILES.toLocaleString('en')} are the most of one load`,
    )
  if (missing && wanted.mode !== 'merge')
    throw new SourceError(
      `${place.name} is a part of a load and no whole one: ${missing.fileName} is missing; load it with mode merge, into what is published`,
    )
  return source
}

/** What a choice is made by. */
export interface Choice {
  subject: Subject
  place: Place
  /** The format that its user named, if any. */
  named: Format | undefined
  idSpace: string | undefined
  signal: AbortSignal
}

/** The file that its user named by itself. */
async function chooseOnly({ subject, named, idSpace, signal }: Choice, only: Entry): Promise<Source> {
  const { format, of } = named
    ? await readAs(subject, named, only, signal)
    : await recognise(subject, only, signal, idSpace)
  return { format, files: [{ ...only, of }], notes: [] }
}

function formatNamed(subject: Subject, name: string): Format {
  const format = subject.formats.find((candidate) => candidate.name === name)
  if (format) return format
  throw new SourceError(
    `${subject.name} has no format ${name}; it has ${subject.formats.map((f) => f.name).join(', ')}`,
  )
}
