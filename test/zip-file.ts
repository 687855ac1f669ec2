import { crc32, deflateRawSync } from 'node:zlib'

/** Archives of every kind, sound and hostile, byte by byte as the format's specification (APPNOTE.TXT) has them. */
export interface ZipItem {
  name: string | Buffer
  content: string | Buffer
  /** 0 stored, 8 deflated (default). */
  method?: number
  /** Added to the general purpose flags: 1 encrypted. */
  flags?: number
  /** What the directory says, where that is not the truth. */
  claims?: { size?: number; packed?: number; crc?: number }
  /** Sizes behind the data, as archivers write them that cannot seek. */
  descriptor?: boolean
  zip64?: boolean
  /** `[date, time]` as DOS has them; 1998-06-12 12:00 by default. */
  time?: [number, number]
  /** Unix mode, for links. */
  mode?: number
}

const DOS_1998_06_12 = ((1998 - 1980) << 9) | (6 << 5) | 12
const NOON = 12 << 11

export function zipFile(items: ZipItem[], { comment = '' } = {}): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const item of items) {
    const { method = 8, flags = 0, claims = {}, descriptor = false, zip64 = false } = item
    const name = Buffer.from(item.name as string)
    const content = Buffer.from(item.content as string)
    const data = method === 8 ? deflateRawSync(content) : content
    const size = claims.size ?? content.length
    const packed = claims.packed ?? data.length
    const crc = claims.crc ?? crc32(content)
    const [date, time] = item.time ?? [DOS_1998_06_12, NOON]
    const bits = 0x800 | flags | (descriptor ? 8 : 0)
    const known = descriptor ? [0, 0, 0] : [crc, packed, size]
    const common = (sizes: number[]) =>
      fields([2, zip64 ? 45 : 20], [2, bits], [2, method], [2, time], [2, date], ...sizes.map((n) => [4, n] as Field))
    const local = Buffer.concat([
      fields([4, 0x04034b50]),
      common(known),
      fields([2, name.length], [2, 0]),
      name,
      data,
      descriptor ? fields([4, 0x08074b50], [4, crc], [4, packed], [4, size]) : Buffer.alloc(0),
    ])
    const extra = zip64 ? fields([2, 1], [2, 24], [8, size], [8, packed], [8, offset]) : Buffer.alloc(0)
    directory.push(
      fields([4, 0x02014b50], [2, (3 << 8) | 45]),
      common(zip64 ? [crc, 0xffffffff, 0xffffffff] : [crc, packed, size]),
      fields([2, name.length], [2, extra.length], [2, 0], [2, 0], [2, 0]),
      fields([4, ((item.mode ?? 0o100644) << 16) >>> 0], [4, zip64 ? 0xffffffff : offset]),
      name,
      extra,
    )
    parts.push(local)
    offset += local.length
  }
  const entries = Buffer.concat(directory)
  const ends = items.some(({ zip64 }) => zip64)
    ? [
        fields([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0]),
        fields([8, items.length], [8, items.length], [8, entries.length], [8, offset]),
        fields([4, 0x07064b50], [4, 0], [8, offset + entries.length], [4, 1]),
      ]
    : []
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, items.length], [2, items.length])
  const where = fields([4, entries.length], [4, offset], [2, comment.length])
  return Buffer.concat([...parts, entries, ...ends, end, where, Buffer.from(comment)])
}

type Field = [bytes: 2 | 4 | 8, value: number]

/** Numbers, little end first. */
function fields(...values: Field[]): Buffer {
  return Buffer.concat(
    values.map(([bytes, value]) => {
      const field = Buffer.alloc(bytes)
      if (bytes === 8) field.writeBigUInt64LE(BigInt(value))
      else field.writeUIntLE(value, 0, bytes)
      return field
    }),
  )
}
