import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { excerpt, type RawRecord, UnreadableFileError } from '../ingest/parse.ts'
import { parseCsv } from '../ingest/parse-csv.ts'
import { parseJsonArray } from '../ingest/parse-json.ts'
import { parseJsonLines } from '../ingest/parse-json-lines.ts'
import { BAD_BYTE, badText, mayHoldBadText } from '../ingest/utf8.ts'

const MiB = 1024 * 1024

async function* inChunks(content: string | Buffer, size = 64 * 1024): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(content)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function collect<Cells>(batches: AsyncIterable<RawRecord<Cells>[]>): Promise<RawRecord<Cells>[]> {
  const records: RawRecord<Cells>[] = []
  for await (const batch of batches) {
    assert.ok(batch.length > 0, 'no batch is empty')
    records.push(...batch)
  }
  return records
}

async function readCsv(content: string | Buffer, options: { chunk?: number; required?: string[] } = {}) {
  const { chunk, required = [] } = options
  const { columns, records } = await parseCsv(inChunks(content, chunk), { file: 'films.csv', required })
  return { columns, records: await collect(records) }
}

const readJson = (content: string | Buffer, chunk?: number) =>
  collect(parseJsonArray(inChunks(content, chunk), { file: 'films.json' }))

const readLines = (content: string | Buffer, chunk?: number) =>
  collect(parseJsonLines(inChunks(content, chunk), { file: 'log.json' }))

/** Line and cells of a sound record, line and code of a reject. */
const brief = <Cells>(records: RawRecord<Cells>[]) =>
  records.map((record) => [record.line, record.ok ? record.cells : record.code])

const fails = (test: Test, reading: Promise<unknown>, message: string | RegExp) =>
  test.rejects(reading, { name: 'UnreadableFileError', message })

t.test('CSV: lines', async (t) => {
  t.test('a record knows the line where it starts, past cells of several lines and blank lines', async (t) => {
    const { columns, records } = await readCsv('id,title\n1,"two\nlines"\n\n2,x\n\n\n3,"a ""b"""\n')
    t.same(columns, ['id', 'title'])
    t.same(brief(records), [
      [2, ['1', 'two\nlines']],
      [5, ['2', 'x']],
      [8, ['3', 'a "b"']],
    ])
  })

  t.test('CRLF, also inside a quoted cell, is one line end', async (t) => {
    const { records } = await readCsv('id,title\r\n1,"two\r\nlines"\r\n\r\n2,x\r\n')
    t.same(brief(records), [
      [2, ['1', 'two\r\nlines']],
      [5, ['2', 'x']],
    ])
    t.same(
      records.map((record) => record.raw),
      ['1,"two\r\nlines"', '2,x'],
    )
  })

  t.test('a byte order mark is no part of the first column', async (t) => {
    const { columns } = await readCsv('\uFEFFid,title\n1,x\n', { chunk: 1, required: ['id'] })
    t.same(columns, ['id', 'title'])
  })

  t.test('a last record without a line end is a record', async (t) => {
    t.same(brief((await readCsv('id,title\n1,x')).records), [[2, ['1', 'x']]])
    t.same(brief((await readCsv('id,title\r\n1,"x"\r')).records), [[2, ['1', 'x']]])
  })

  t.test('the column index says where a cell stands', async (t) => {
    const { index, records } = await parseCsv(inChunks('id,title\n1,x\n'), { file: 'films.csv', required: ['title'] })
    const title = index.get('title')!
    t.same(
      (await collect(records)).map((record) => record.ok && record.cells[title]),
      ['x'],
    )
  })

  t.test('lines stay right over many batches', async (t) => {
    const { records } = await readCsv(manyFilms(3000))
    t.equal(records.length, 3000)
    t.equal(records.at(-1)?.line, 6000)
  })
})

t.test('CSV: rejects', async (t) => {
  t.test('a film broken in two by a stray newline gives two rejects, each with its own text', async (t) => {
    const { records } = await readCsv('id,title,year\n1,a,1990\n2,b\n,1991\n3,c,1992\n')
    t.same(brief(records), [
      [2, ['1', 'a', '1990']],
      [3, 'wrong_field_count'],
      [4, 'wrong_field_count'],
      [5, ['3', 'c', '1992']],
    ])
    t.match(records[1], { reason: 'has 2 fields where the header has 3', raw: '2,b' })
    t.match(records[2], { raw: ',1991' })
  })

  t.test('a quote in the middle of a cell rejects that record and no other', async (t) => {
    const { records } = await readCsv('id,title\n1,5" disc\n2,x\n3,6" and 7"\n4,y\n')
    t.same(brief(records), [
      [2, 'stray_quote'],
      [3, ['2', 'x']],
      [4, 'stray_quote'],
      [5, ['4', 'y']],
    ])
    t.match(records[0], {
      raw: '1,5" disc',
      reason: 'has a quote inside a cell that does not begin with one, on line 2',
    })
  })

  t.test('text behind a closing quote rejects that record, and the records after it are read', async (t) => {
    const { records } = await readCsv('id,title\n1,"He said "hi", and left"\n2,"x"\n3,"m\nn"o\n4,y\n')
    t.same(brief(records), [
      [2, 'text_after_quote'],
      [3, ['2', 'x']],
      [4, 'text_after_quote'],
      [6, ['4', 'y']],
    ])
    t.match(records[2], { raw: '3,"m\nn"o', reason: 'has text behind the closing quote of a cell, on line 5' })
  })

  t.test('a quote left open takes in records only up to the next quote', async (t) => {
    const { records } = await readCsv('id,title\n1,"open\n2,x\n3,"y"\n4,z\n')
    t.same(brief(records), [
      [2, 'text_after_quote'],
      [5, ['4', 'z']],
    ])
    t.equal(records[0]?.raw, '1,"open\n2,x\n3,"y"')
  })

  t.test('a record over 1 MiB is a reject with a short excerpt, and the next one is read', async (t) => {
    const { records } = await readCsv(`id,title\n1,"${'é\n'.repeat(5 * MiB)}"\n2,x\n`)
    t.same(brief(records), [
      [2, 'record_too_large'],
      [3 + 5 * MiB, ['2', 'x']],
    ])
    t.equal(records[0]?.raw.length, 10_000)
    t.match(records[0]?.raw, /^1,"é\n.*… \[cut\]$/s)
  })

  t.test('a record just under 1 MiB is sound', async (t) => {
    const { records } = await readCsv(`id,title\n1,${'x'.repeat(MiB - 3)}\n2,${'x'.repeat(MiB - 2)}\n`)
    t.same(
      records.map((record) => record.ok),
      [true, false],
    )
  })

  t.test('an excerpt can be stored: no NUL, no half of a pair, no mark of ours', async (t) => {
    t.equal(excerpt(`a\0b${BAD_BYTE}c\ud800`), 'a␀b\uFFFDc\uFFFD')
    t.ok(Buffer.from(excerpt('😀'.repeat(9000))).equals(Buffer.from(excerpt('😀'.repeat(9000)).normalize())))
    t.equal(badText(excerpt(`x${'😀'.repeat(9000)}`)), null)
    t.equal(badText(excerpt('😀'.repeat(9000))), null)
  })
})

t.test('CSV: files that cannot be read', async (t) => {
  t.test('a quote that is never closed names the line where its record starts', async (t) => {
    await fails(t, readCsv('id,title\n1,x\n2,"open\n3,y\n'), /^films.csv has a quote .* record that starts at line 3$/)
    async function* endless() {
      yield Buffer.from('id,title\n1,x\n2,"open\n')
      for (;;) yield Buffer.alloc(MiB, 'no quote, many lines\n')
    }
    const before = process.memoryUsage.rss()
    const { records } = await parseCsv(endless(), { file: 'films.csv', required: [] })
    await fails(t, collect(records), /starts at line 3 is larger than 64 MiB: probably a quote that is never closed$/)
    const grown = process.memoryUsage.rss() - before
    t.ok(grown < 100 * MiB, `${Math.round(grown / MiB)} MiB`)
  })

  t.test('an empty file is said to be empty', async (t) => {
    await fails(t, readCsv(''), 'films.csv is empty')
    await fails(t, readCsv('\n\r\n\n'), 'films.csv is empty')
    await fails(t, readCsv('\uFEFF'), 'films.csv is empty')
  })

  t.test('a file with a header and no records is no error', async (t) => {
    t.same(await readCsv('id,title\n'), { columns: ['id', 'title'], records: [] })
    t.same(await readCsv('id,title'), { columns: ['id', 'title'], records: [] })
  })

  t.test('missing columns are named, with those that were found', async (t) => {
    await fails(
      t,
      readCsv('id,year\n', { required: ['id', 'title', 'genres'] }),
      'films.csv has no column title, genres: its columns are id, year',
    )
    const wide = Array.from({ length: 12 }, (_, n) => `c${n}`.repeat(n === 0 ? 30 : 1)).join(',')
    await fails(t, readCsv(wide, { required: ['id'] }), /c0c0…, c1, .*, c9 and 2 more$/)
    await fails(t, readCsv('id,title\r1,x\r', { required: ['title'] }), /its lines end in CR alone/)
  })

  t.test('a column that stands twice is named, a blank one is not', async (t) => {
    await fails(t, readCsv('id,title,id\n'), 'films.csv has more than one column named id')
    t.same((await readCsv('id,,\n1,2,3\n')).columns, ['id', '', ''])
  })

  t.test('a file that is no text is said to be what it looks like', async (t) => {
    await fails(t, readCsv(Buffer.from([0x1f, 0x8b, 8, 0])), 'films.csv is not UTF-8 text: it looks like a gzip file')
    await fails(t, readCsv('PK\x03\x04....', { chunk: 1 }), /looks like a zip file/)
    await fails(t, readCsv(Buffer.from('\uFEFFid,title\n', 'utf16le')), /looks like UTF-16 text/)
    await fails(t, readCsv('<!doctype html><title>Sign in'), /looks like an HTML or XML page/)
    await fails(t, readCsv(Buffer.from('id,title\n', 'utf16le')), /its first line holds bytes that no such text has/)
    await fails(t, readCsv(Buffer.from('id,a\xf1o\n', 'latin1')), /its first line holds bytes that no such text has/)
    await fails(t, readCsv(Buffer.from('\x89PNG "\0\n', 'latin1')), /holds bytes that no such text has/)
  })

  t.test('a header with a broken quote is said to be no CSV', async (t) => {
    await fails(
      t,
      readCsv('id,ti"tle\n1,x\n'),
      'films.csv is not CSV: its header has a quote inside a cell that does not begin with one, on line 1',
    )
  })
})

t.test('CSV: text', async (t) => {
  t.test('bytes that are not UTF-8 are marked in the cell where they stand, wherever chunks end', async (t) => {
    const content = Buffer.concat([
      Buffer.from('id,title,note\n1,Am'),
      Buffer.of(0xe9),
      Buffer.from('lie,\uFFFD\n2,Zoë 😀,日本\n'),
      Buffer.of(0x33, 0x2c, 0xf0, 0x9f, 0x98, 0x2c, 0xe2, 0x82),
    ])
    for (const chunk of [1, 2, 3, 5, 7, 1000]) {
      const { records } = await readCsv(content, { chunk })
      t.same(brief(records), [
        [2, ['1', `Am${BAD_BYTE}lie`, '\uFFFD']],
        [3, ['2', 'Zoë 😀', '日本']],
        [4, ['3', BAD_BYTE.repeat(3), BAD_BYTE.repeat(2)]],
      ])
      t.same(
        records.map((record) => mayHoldBadText(record.raw)),
        [true, false, true],
      )
    }
  })

  t.test('a bad cell says what is wrong with it', async (t) => {
    t.equal(badText('Amélie 😀 \uFFFD'), null)
    t.match(badText('a\0b'), { code: 'nul_character' })
    t.match(badText(`Am${BAD_BYTE}lie`), { code: 'invalid_utf8' })
    t.match(badText('\ud83d alone'), { code: 'invalid_unicode' })
    t.match(badText('alone \ude00'), { code: 'invalid_unicode' })
  })

  t.test('chunks of any bytes become valid UTF-8, and valid text stays as it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 70 }), async (bytes, chunk) => {
        const body = Buffer.from(bytes.filter((byte) => byte !== 34 && byte !== 10 && byte !== 13 && byte !== 44))
        const { records } = await readCsv(Buffer.concat([Buffer.from('title of a film\n'), Buffer.from('-'), body]), {
          chunk,
        })
        const cell = records[0]?.ok && records[0].cells[0]
        const expected = Buffer.from(`-${body.toString()}`).equals(Buffer.concat([Buffer.from('-'), body]))
        return expected ? cell === `-${body}` : typeof cell === 'string' && cell.includes(BAD_BYTE)
      }),
    )
  })
})

t.test('CSV: laws', async (t) => {
  const cell = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', ' ', 'é', '😀', "'", ''), maxLength: 8 }),
    fc.string({ unit: 'grapheme', maxLength: 5 }),
  )
  const table = fc
    .integer({ min: 1, max: 4 })
    .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 12 }))
  const layout = fc.record({
    eol: fc.constantFrom('\n', '\r\n'),
    bom: fc.constantFrom('', '\uFEFF'),
    lastEol: fc.boolean(),
    blankLines: fc.array(fc.nat({ max: 2 }), { minLength: 12, maxLength: 12 }),
    quoteAll: fc.boolean(),
    chunk: fc.integer({ min: 1, max: 40 }),
  })

  t.test('any table comes back as it was written, each record with its line', async () => {
    await fc.assert(
      fc.asyncProperty(table, layout, async (rows, { eol, bom, lastEol, blankLines, quoteAll, chunk }) => {
        const header = (rows[0] ?? ['']).map((_, n) => `column ${n}`)
        const written = [header, ...rows].map((row) => render(row, quoteAll))
        let text = bom
        const expected: unknown[] = []
        written.forEach((record, n) => {
          if (n > 0) expected.push([lineOf(text), rows[n - 1]])
          const isLast = n === written.length - 1
          text += record + (isLast && !lastEol ? '' : eol + eol.repeat(isLast ? 0 : blankLines[n % 12]!))
        })
        const { columns, records } = await readCsv(text, { chunk })
        assert.deepEqual(columns, header)
        assert.deepEqual(brief(records), expected)
        assert.deepEqual(
          records.map((record) => record.raw),
          written.slice(1),
        )
      }),
      { numRuns: 500 },
    )
  })

  t.test('whatever breaks, all of the file is in good records and rejects, each at its line', async () => {
    const breakage = fc.record({ at: fc.nat(), what: fc.constantFrom('"', '\n', ',', '\r', 'x"y', '"x', '\0') })
    await fc.assert(
      fc.asyncProperty(table, layout, fc.array(breakage, { maxLength: 4 }), async (rows, { eol, chunk }, breakages) => {
        const header = (rows[0] ?? ['']).map((_, n) => `column ${n}`).join(',') + eol
        let body = rows.map((row) => render(row, false) + eol).join('')
        for (const { at, what } of breakages) {
          const place = at % (body.length + 1)
          body = body.slice(0, place) + what + body.slice(place)
        }
        body = body.toWellFormed()
        let records: RawRecord<string[]>[]
        try {
          records = (await readCsv(header + body, { chunk })).records
        } catch (error) {
          return error instanceof UnreadableFileError && error.message.includes('never closed')
        }
        const read = records.map((record) => asShown(record.raw)).join('\n')
        const compact = (text: string) => text.replace(/[\r\n]+/g, '\n').replace(/^\n|\n$/g, '')
        assert.equal(compact(read), compact(asShown(body)))
        for (const { line, raw } of records) {
          const rest = asShown(body)
            .split('\n')
            .slice(line - 2)
            .join('\n')
          assert.ok(rest.startsWith(asShown(raw)), 'a record starts at its line')
        }
        return true
      }),
      { numRuns: 500 },
    )
  })

  t.test('a broken record between whole ones costs none of them', async () => {
    const broken = fc.constantFrom(
      '9,"a"b',
      '9,a"b',
      '9',
      '9,a,b',
      '9,"a" ,"b\nc"',
      '9,"He said "Stop," and left"',
      '9,"a""b"c',
    )
    const whole = fc.tuple(fc.constant('1'), cell).map((row) => ({ row, text: render(row, true) }))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(broken, whole), { maxLength: 6 }),
        fc.nat({ max: 50 }),
        async (pairs, chunk) => {
          const text = `id,title\n${pairs.map(([bad, good]) => `${bad}\n${good.text}\n`).join('')}`
          const { records } = await readCsv(text, { chunk: chunk + 1 })
          const good = records.filter((record) => record.ok)
          assert.deepEqual(
            good.map((record) => record.cells),
            pairs.map(([, { row }]) => row),
          )
        },
      ),
    )
  })
})

t.test('JSON', async (t) => {
  t.test('the objects of an array come in order, numbered from 1', async (t) => {
    const content = '\uFEFF[{"id":1,"genres":["Drama"]}, {"id":2,"title":"Zoë 😀"}]\n'
    for (const chunk of [1, 3, 1000]) {
      const records = await readJson(content, chunk)
      t.same(brief(records), [
        [1, { id: 1, genres: ['Drama'] }],
        [2, { id: 2, title: 'Zoë 😀' }],
      ])
      t.equal(records[0]?.raw, '{"id":1,"genres":["Drama"]}')
    }
    t.same(await readJson('[]'), [])
  })

  t.test('what is no object is a reject', async (t) => {
    const records = await readJson('[1, {"a":1}, null, ["x"], "s", true, {}]')
    t.same(brief(records), [
      [1, 'not_an_object'],
      [2, { a: 1 }],
      [3, 'not_an_object'],
      [4, 'not_an_object'],
      [5, 'not_an_object'],
      [6, 'not_an_object'],
      [7, {}],
    ])
    t.match(records[3], { raw: '["x"]', reason: 'is an array, not an object' })
  })

  t.test('a number that a double would round arrives as its text', async (t) => {
    const [record] = await readJson(
      '[{"a":9007199254740993,"b":-9007199254740993,"c":1e400,"d":2787965087,"e":1.5,"f":9007199254740991}]',
    )
    t.same(record?.ok && record.cells, {
      a: '9007199254740993',
      b: '-9007199254740993',
      c: '1e400',
      d: 2787965087,
      e: 1.5,
      f: 9007199254740991,
    })
  })

  t.test('NUL and half pairs in escapes are seen in the record and in the cell', async (t) => {
    const records = await readJson('[{"a":"x\\u0000"},{"a":"\\ud83d"},{"a":"\\ud83d\\ude00"}]')
    t.same(
      records.map((record) => mayHoldBadText(record.raw)),
      [true, true, false],
    )
    t.same(
      records.map((record) => record.ok && badText(String(record.cells.a))?.code),
      ['nul_character', 'invalid_unicode', undefined],
    )
  })

  t.test('bytes that are not UTF-8 are marked', async (t) => {
    const [record] = await readJson(Buffer.from('[{"title":"Am\xe9lie"}]', 'latin1'))
    t.same(record?.ok && record.cells, { title: `Am${BAD_BYTE}lie` })
  })

  t.test('nesting a hundred thousand levels deep is a reject and no crash', async (t) => {
    const deep = 100_000
    const records = await readJson(
      `[{"a":${'['.repeat(deep)}${']'.repeat(deep)}},{"a":1},${'{"":'.repeat(deep)}1${'}'.repeat(deep)}]`,
    )
    t.same(brief(records), [
      [1, 'nested_too_deeply'],
      [2, { a: 1 }],
      [3, 'nested_too_deeply'],
    ])
    t.equal(records[0]?.raw, '{"a":"…"}')
  })

  t.test('a large element is a reject, an enormous one ends the load', async (t) => {
    const records = await readJson(`[{"a":"${'x'.repeat(2 * MiB)}"},{"a":1}]`)
    t.same(brief(records), [
      [1, 'record_too_large'],
      [2, { a: 1 }],
    ])
    t.equal(records[0]?.raw.length, 10_000)
    async function* endless() {
      yield Buffer.from('[{"a":1},{"a":"')
      for (;;) yield Buffer.alloc(MiB, 'x')
    }
    await fails(
      t,
      collect(parseJsonArray(endless(), { file: 'films.json' })),
      'films.json holds an element larger than 4 MiB: record 2',
    )
  })

  t.test('what is no array of objects, or is broken, is said in a sentence', async (t) => {
    await fails(t, readJson(''), 'films.json is empty')
    await fails(t, readJson('  \n'), 'films.json is empty')
    await fails(
      t,
      readJson('{"id":1}\n{"id":2}'),
      'films.json is not a JSON array of objects: it begins with an object',
    )
    await fails(t, readJson('"x"'), /it begins with a single value$/)
    await fails(
      t,
      readJson('[{"id":1},{"id":2},{"id":}]'),
      /^films.json is not valid JSON after record 2, near byte 25$/,
    )
    await fails(t, readJson('[{"id":1}]]'), /is not valid JSON after record 1/)
    await fails(t, readJson('[{"id":1}'), 'films.json ends inside its JSON array, after record 1: it is cut short')
    await fails(t, readJson('[{"id":1},{"title":"ab'), /after record 1: it is cut short$/)
    await fails(t, readJson(Buffer.from([0x1f, 0x8b])), /looks like a gzip file/)
  })

  t.test('any array of objects comes back as JSON.parse reads it', async () => {
    const element = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
    await fc.assert(
      fc.asyncProperty(
        fc.array(element, { maxLength: 6 }),
        fc.integer({ min: 1, max: 30 }),
        async (elements, chunk) => {
          const plain = JSON.parse(JSON.stringify(elements), bigAsText)
          const records = await readJson(JSON.stringify(elements), chunk)
          assert.deepEqual(
            records.map((record) => record.raw),
            plain.map((one: unknown) => JSON.stringify(one)),
          )
        },
      ),
    )
  })
})

t.test('reading', async (t) => {
  const films = `id,title\n${'1,x\n'.repeat(100_000)}`

  t.test('records come in batches of about a thousand', async (t) => {
    const { records } = await parseCsv(inChunks(films, 1024), { file: 'films.csv', required: [] })
    const sizes: number[] = []
    for await (const batch of records) sizes.push(batch.length)
    t.ok(
      sizes.slice(1, -1).every((size) => size >= 1000 && size < 1300),
      sizes.join(),
    )
  })

  t.test('batches stay small, in records and in bytes, when a source hands over everything at once', async (t) => {
    const longest = async (content: string) => {
      const sizes: number[] = []
      const { records } = await parseCsv(inChunks(content, content.length), { file: 'films.csv', required: [] })
      for await (const batch of records) sizes.push(batch.length)
      return Math.max(...sizes)
    }
    t.ok((await longest(films)) < 20_000)
    t.ok((await longest(`id,title\n${`1,${'x'.repeat(5000)}\n`.repeat(900)}`)) < 100)
  })

  t.test('a long array is not kept in memory', async (t) => {
    async function* long() {
      yield Buffer.from('[{}')
      const part = Buffer.from(`,{"a":[${'[],'.repeat(20_000)}1]}`)
      for (let n = 0; n < 300; n++) yield part
      yield Buffer.from(']')
    }
    // Only what cannot be collected counts: how far the heap grows before V8 bothers depends on the machine's load.
    const collectGarbage = exposedGc()
    let most = 0
    let batches = 0
    for await (const _ of parseJsonArray(long(), { file: 'films.json' })) {
      if (batches++ % 5 > 0) continue
      collectGarbage()
      most = Math.max(most, process.memoryUsage().heapUsed)
    }
    t.ok(batches > 50 && most < 100 * MiB, `${Math.round(most / MiB)} MiB in ${batches} batches`)
  })

  t.test('a file that is not there is an ENOENT', async (t) => {
    const missing = () => createReadStream('/nowhere/films.csv')
    await t.rejects(parseCsv(missing(), { file: 'films.csv', required: [] }), { code: 'ENOENT' })
    await t.rejects(collect(parseJsonArray(missing(), { file: 'films.json' })), { code: 'ENOENT' })
  })

  t.test('an error of the source in the middle of the file reaches the reader', async (t) => {
    async function* broken() {
      yield Buffer.from(films)
      throw new Error('connection reset')
    }
    const { records } = await parseCsv(broken(), { file: 'films.csv', required: [] })
    await t.rejects(collect(records), { message: 'connection reset' })
  })

  t.test('the source is closed when the reader leaves early, or the header is refused', async (t) => {
    const path = join(await mkdtemp(join(tmpdir(), 'reelhouse-')), 'films.csv')
    await writeFile(path, films)
    const left = createReadStream(path)
    const table = await parseCsv(left, { file: 'films.csv', required: [] })
    for await (const _ of table.records) break
    t.ok(left.destroyed)

    const unread = createReadStream(path)
    await (await parseCsv(unread, { file: 'films.csv', required: [] })).records.return(undefined)
    t.ok(unread.destroyed)

    const refused = createReadStream(path)
    await fails(t, parseCsv(refused, { file: 'films.csv', required: ['year'] }), /has no column year/)
    t.ok(refused.destroyed)
  })

  t.test('an abort ends the reading, even of a source that is silent', async (t) => {
    const stop = new AbortController()
    const silent = new Readable({ read() {} })
    silent.push(films)
    const { records } = await parseCsv(silent, { file: 'films.csv', required: [], signal: stop.signal })
    const reading = collect(records)
    setTimeout(() => stop.abort(), 20)
    await t.rejects(reading, { name: 'AbortError' })
    t.ok(silent.destroyed)
    await t.rejects(parseCsv(inChunks(films), { file: 'films.csv', required: [], signal: stop.signal }), {
      name: 'AbortError',
    })
  })
})

/** The tests' own writer of CSV: quotes where they are needed, or everywhere. A single blank cell is quoted: bare, it is a blank line. */
function render(row: string[], quoteAll: boolean): string {
  if (row.length === 1 && row[0] === '') return '""'
  return row.map((cell) => (quoteAll || /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')
}

/** Text with the signs that an excerpt shows for what cannot be stored. */
const asShown = (text: string): string => text.replaceAll('\0', '␀').replaceAll(BAD_BYTE, '\uFFFD')

/** JSON.parse has rounded nothing here: these integers were doubles when they were written. */
const bigAsText = (_key: string, value: unknown): unknown =>
  Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(String(value)) ? String(value) : value

const lineOf = (before: string): number => before.split('\n').length

function manyFilms(count: number): string {
  let text = 'id,overview\n'
  for (let id = 1; id <= count; id++) text += `${id},"An overview, ""quoted"",\nof film ${id}"\n`
  return text
}

function exposedGc(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}

t.test('JSON lines', async (t) => {
  const text = '\uFEFF{"a":1}\r\n\n{"a":"two\\nlines — ü"}\n[1]\n{"a":\n"x"\n  {"a":null}  '
  const expected = [
    [1, { a: 1 }],
    [3, { a: 'two\nlines — ü' }],
    [4, 'not_an_object'],
    [5, 'bad_json'],
    [6, 'not_an_object'],
    [7, { a: null }],
  ]
  for (const chunk of [1, 2, 3, 7, 1000])
    t.same(brief(await readLines(text, chunk)), expected, `in chunks of ${chunk} bytes`)
  const [broken] = await readLines('{"a": tru}\n')
  t.match(broken, {
    ok: false,
    line: 1,
    code: 'bad_json',
    reason: /^is no JSON: Unexpected token '\}'$/,
    raw: '{"a": tru}',
  })
  t.same(await readLines('\n \n'), [], 'blank lines are no records')
  t.match(await readLines(`{"a":"${'x'.repeat(MiB)}"}\n{"a":2}`), [
    { ok: false, code: 'record_too_large' },
    { ok: true, line: 2 },
  ])
  t.match(await readLines('{"__proto__":{"polluted":1}}'), [{ ok: true }])
  t.notOk('polluted' in {})
  await fails(t, readLines(Buffer.from([0x1f, 0x8b, 0, 0])), /gzip/)
})
