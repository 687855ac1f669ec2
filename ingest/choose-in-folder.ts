import type { Choice, Source, SourceFile } from './choose.ts'
import { headerOf } from './header.ts'
import type { Entry } from './open.ts'
import { UnreadableFileError } from './parse.ts'
import {
  fitting,
  inSpace,
  isNamed,
  partialFiles,
  type Recognised,
  rankOf,
  recognise,
  requiredFiles,
} from './recognise.ts'
import { SourceError } from './source-error.ts'
import type { FileFormat, Format } from './subject.ts'

interface Found extends Recognised {
  entries: Entry[]
}

/**
 * Decides which files of a folder, or an archive, are read as what: by their names, else by their headers.
 * @throws SourceError when there is none, or more than one format may be meant
 */
export async function chooseInFolder({ subject, place, named, idSpace, signal }: Choice): Promise<Source> {
  const entries = place.entries.filter(isVisible).sort(newestFirst)
  const formats = named ? [named] : subject.formats
  let found = foundByName(formats, entries)
  const [only] = found
  // A file is what its header says, here as when it is named by itself; formats may have one name for theirs.
  if (only && !named && found.every(({ entries: [newest] }) => newest === only.entries[0]))
    found = [{ ...(await recognise(subject, only.entries[0] as Entry, signal)), entries: only.entries }]
  if (found.length === 0) found = await foundByHeader(formats, entries, signal, named !== undefined)
  if (found.every(({ format }) => format.idSpace === null))
    found = [...found, ...partsByName(formats, entries, idSpace)]
  if (found.length === 0) {
    const named = requiredFiles(formats).filter(({ of }) => formats.length === 1 || !of.fits)
    const wanted = named.map(({ format, of }) => `${of.fileName} (${format.name})`)
    throw new SourceError(`${place.name} has no ${wanted.join(' or ')}, nor another file with its columns`)
  }
  // What is a part of any load decides nothing beside what is a whole one.
  const whole = found.filter(({ format }) => format.idSpace !== null)
  if (whole.length > 0) found = whole
  const several = [...new Map(found.map((one) => [one.format.name, one])).values()]
  if (several.length > 1) {
    const each = several.map(({ format, entries: [newest] }) => `${newest?.name} (${format.name})`)
    throw new SourceError(
      `${place.name} holds files of several formats: ${each.join(', ')}; name the format or the file that is meant`,
    )
  }
  const [{ format }] = found as [Found]
  const notes: string[] = []
  const files: SourceFile[] = []
  /** Files of which more is known than that they are here: they are read, or a note says why not. */
  const known = new Set(found.flatMap((one) => one.entries))
  for (const of of format.files) {
    const candidates = found.find((one) => one.of === of)?.entries ?? (of.required ? [] : entries)
    const fit = of.every
      ? everyOne(candidates, of, known)
      : of.fits
        ? await allThatFit(of, format, entries, found, { notes, known }, signal)
        : chosen(candidates, of, notes)
    files.push(...fit.map((entry) => ({ ...entry, of })))
  }
  for (const file of files)
    if (file.of.required && !file.of.fits && !file.of.every)
      notes.push(...(await newerThan(file, entries, format, known, signal)))
  const strangers = entries.filter(
    (entry) => isTable(entry) && !known.has(entry) && !format.files.some((of) => isNamed(of, entry.base)),
  )
  if (strangers.length > 0)
    notes.push(`passed over, as neither name nor columns are those of a file of ${format.name}: ${listed(strangers)}`)
  return { format, files, notes }
}

const isTable = ({ base }: Entry) => /\.(csv|json|jsonl|ndjson)$/i.test(base)

/** Whether newer files have the columns of one that was taken for its name: they may be what was meant. */
async function newerThan(
  file: SourceFile,
  entries: Entry[],
  format: Format,
  known: Set<Entry>,
  signal: AbortSignal,
): Promise<string[]> {
  if (!isNamed(file.of, file.base)) return []
  const alike: Entry[] = []
  for (const entry of entries.filter(isText).slice(0, MOST_HEADS)) {
    if (entry.modifiedAt <= file.modifiedAt || isNamed(file.of, entry.base)) continue
    const header = await headerOf(entry, signal).catch(() => undefined)
    signal.throwIfAborted()
    if (header && fitting([format], header).some(({ of }) => of === file.of)) alike.push(entry)
  }
  for (const entry of alike) known.add(entry)
  return alike.length === 0
    ? []
    : [`${file.name} is taken for its name; passed over, although newer and with its columns: ${listed(alike)}`]
}

const isText = ({ base }: Entry) => /\.(csv|json|jsonl|ndjson|txt)$/i.test(base)

/** The newest by the name that is preferred; the others are named in notes. */
function chosen(entries: Entry[], of: FileFormat, notes: string[]): Entry[] {
  const byName = entries.filter(({ base }) => isNamed(of, base))
  const fit = byName.length > 0 ? byName : of.required ? entries : []
  const best = Math.min(...fit.map(({ base }) => rankOf(of, base)))
  const [newest, ...older] = fit.filter(({ base }) => rankOf(of, base) === best)
  if (!newest) return []
  const lesser = fit.filter(({ base }) => rankOf(of, base) !== best)
  if (older.length > 0) notes.push(`${newest.name} is the newest of its kind; passed over: ${listed(older)}`)
  if (lesser.length > 0) notes.push(`${newest.name} is the fuller one of its kind; passed over: ${listed(lesser)}`)
  return [newest]
}

/** All by their name, in the order of names; where none goes by such a name, all that have the columns. */
function everyOne(entries: Entry[], of: FileFormat, known: Set<Entry>): Entry[] {
  const byName = entries.filter(({ base }) => isNamed(of, base))
  const fit = byName.length > 0 || !of.required ? byName : entries
  for (const entry of fit) known.add(entry)
  return fit.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Every file of the shape, by its header, that is not one of the format's others; of those with the same columns the newest. */
async function allThatFit(
  of: FileFormat,
  format: Format,
  entries: Entry[],
  found: Found[],
  { notes, known }: { notes: string[]; known: Set<Entry> },
  signal: AbortSignal,
): Promise<Entry[]> {
  const taken = found.filter((one) => one.of !== of).flatMap((one) => one.entries)
  const others = entries.filter(
    (entry) => !taken.includes(entry) && !format.files.some((one) => isNamed(one, entry.base)),
  )
  const byColumns = new Map<string, Entry[]>()
  for (const entry of others.filter(({ base }) => /\.csv$/i.test(base)).slice(0, MOST_HEADS)) {
    const header = await headerOf(entry, signal).catch((error: unknown) => {
      signal.throwIfAborted()
      if (error instanceof UnreadableFileError) return undefined
      known.add(entry)
      notes.push(
        `${entry.name} could not be looked at, so it is left aside: ${error instanceof SourceError ? error.message : 'it cannot be read'}`,
      )
      return undefined
    })
    if (header?.notation !== of.read || !of.fits?.(header.columns)) continue
    known.add(entry)
    const columns = [...header.columns].sort().join()
    byColumns.set(columns, [...(byColumns.get(columns) ?? []), entry])
  }
  return [...byColumns.values()].flatMap(([newest, ...older]) => {
    if (!newest) return []
    if (older.length > 0) notes.push(`${newest.name} is the newest of its kind; passed over: ${listed(older)}`)
    return [newest]
  })
}

/** Formats all of whose required files are here by name, each with what goes by it. */
const foundByName = (formats: Format[], entries: Entry[]): Found[] =>
  formats.flatMap((format) => {
    const files = requiredFiles([format]).map((one) => ({
      ...one,
      entries: entries.filter(({ base }) => isNamed(one.of, base)),
    }))
    return files.every((one) => one.entries.length > 0) ? files : []
  })

/** Where there are no films: what the format has by name that has the most of it here. */
function partsByName(formats: Format[], entries: Entry[], idSpace: string | undefined): Found[] {
  const parts = partialFiles(formats)
    .map((one) => ({ ...one, entries: entries.filter(({ base }) => isNamed(one.of, base)) }))
    .filter((one) => one.entries.length > 0)
  const countOf = (format: Format) => parts.filter((one) => one.format === format).length
  const most = Math.max(...parts.map(({ format }) => countOf(format)))
  const best = inSpace(
    parts.filter(({ format }) => countOf(format) === most),
    idSpace,
  )
  return parts.filter(({ format }) => format === best?.format)
}

/** A folder may hold any number of files, and each head is a request where the folder is a bucket. */
const MOST_HEADS = 100

/** Formats whose columns a file here has, each with those files; what is no text of records is no concern. */
async function foundByHeader(
  formats: Format[],
  entries: Entry[],
  signal: AbortSignal,
  named: boolean,
): Promise<Found[]> {
  const found = new Map<FileFormat, Found>()
  /** For a format that is named, files that lack what tells it from others: taken only where no other is. */
  const lacking = new Map<FileFormat, Found>()
  let failure: unknown
  for (const entry of entries.filter(isText).slice(0, MOST_HEADS)) {
    const header = await headerOf(entry, signal).catch((error: unknown) => {
      signal.throwIfAborted()
      if (!(error instanceof UnreadableFileError)) failure ??= error
      return undefined
    })
    if (!header) continue
    const whole = fitting(formats, header)
    for (const fit of whole.length > 0 || !named ? whole : fitting(formats, header, named)) {
      const kind = whole.length > 0 ? found : lacking
      const before = kind.get(fit.of)
      if (before) before.entries.push(entry)
      else kind.set(fit.of, { ...fit, entries: [entry] })
    }
  }
  if (found.size === 0) for (const [of, one] of lacking) found.set(of, one)
  // One that cannot be read may be the one that was meant, but only where no other is.
  if (found.size === 0 && failure) throw failure
  return [...found.values()]
}

/** What desktops and archivers leave beside the files is never looked at. */
const isVisible = ({ name, base }: Entry) => !base.startsWith('.') && !/(^|[/!])__MACOSX\//.test(name)

/** Then by name, the last first, so that a date in it decides where archives and copies gave all files one time. */
const newestFirst = (a: Entry, b: Entry) =>
  b.modifiedAt.getTime() - a.modifiedAt.getTime() || (a.name < b.name ? 1 : a.name > b.name ? -1 : 0)

function listed(entries: Entry[]): string {
  const names = entries.slice(0, 5).map(({ name }) => name)
  return names.join(', ') + (entries.length > 5 ? ` and ${entries.length - 5} more` : '')
}
