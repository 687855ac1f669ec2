import { type FileMetaData, parquetMetadata, parquetReadObjects, parquetSchema, type SchemaTree } from 'hyparquet'

/** A file of Parquet, read by another package than the one that wrote it. */
export interface ParquetFile {
  /** `INT64`, `DECIMAL(38,2)`, `LIST<STRING>` … by column, in order; with a `?` where there may be nulls. */
  types: Record<string, string>
  rows: Record<string, Cell>[]
  /** Rows of each row group. */
  groups: number[]
  /** What it tells of itself. */
  facts: Record<string, string>
  codecs: string[]
}

/** Texts as they are; whole numbers, decimals, dates and booleans as their text, exactly; only doubles are numbers. */
export type Cell = string | number | string[] | null

/** @throws when it is not whole */
export async function readParquet(bytes: Buffer): Promise<ParquetFile> {
  const file = new Uint8Array(bytes).buffer
  const metadata = parquetMetadata(file)
  const columns = parquetSchema(metadata).children
  const read = await parquetReadObjects({ file, metadata: withoutDecimals(metadata), utf8: false })
  return {
    types: Object.fromEntries(columns.map((column) => [column.element.name, typeOf(column)])),
    rows: read.map((row) =>
      Object.fromEntries(columns.map((column) => [column.element.name, cellOf(column, row[column.element.name])])),
    ),
    groups: metadata.row_groups.map(({ num_rows }) => Number(num_rows)),
    facts: Object.fromEntries((metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? ''])),
    codecs: [
      ...new Set(
        metadata.row_groups.flatMap(({ columns }) => columns.map(({ meta_data }) => String(meta_data?.codec))),
      ),
    ],
  }
}

/** The reader makes doubles of decimals; their bytes are exact. */
const withoutDecimals = (metadata: FileMetaData): FileMetaData => ({
  ...metadata,
  schema: metadata.schema.map(({ converted_type, logical_type, ...element }) =>
    converted_type === 'DECIMAL'
      ? element
      : { ...element, ...(converted_type && { converted_type }), ...(logical_type && { logical_type }) },
  ),
})

function typeOf({ element, children }: SchemaTree): string {
  const { type, logical_type: logical, repetition_type } = element
  const [list] = children
  const plain = list
    ? `${logical?.type}<${list.children.map((child) => typeOf(child)).join()}>`
    : logical?.type === 'DECIMAL'
      ? `DECIMAL(${logical.precision},${logical.scale})`
      : String(logical?.type ?? type)
  return `${plain}${repetition_type === 'OPTIONAL' ? '?' : ''}`
}

function cellOf({ element }: SchemaTree, value: unknown): Cell {
  const { logical_type: logical } = element
  if (value === null || value === undefined) return null
  if (element.logical_type?.type === 'DECIMAL') return decimalOf(value as Uint8Array, element.logical_type.scale)
  if (value instanceof Date)
    return logical?.type === 'TIMESTAMP' ? value.toISOString() : value.toISOString().slice(0, 10)
  if (element.type === 'DOUBLE') return value as number
  return Array.isArray(value) ? value : String(value)
}

/** Big-endian, in two's complement. */
function decimalOf(bytes: Uint8Array, scale: number): string {
  const value = BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`))
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  const text = `${digits.slice(0, -scale)}.${digits.slice(-scale)}`.replace(/\.?0+$/, '')
  return value < 0n ? `-${text}` : text
}

/** A cell of CSV as it is in a column of that type. */
export function asParquet(cell: string | null, type: string): Cell {
  if (type === 'LIST<STRING>') return cell === null || cell === '' ? [] : cell.split('|')
  return type.startsWith('DOUBLE') && cell !== null ? Number(cell) : cell
}
