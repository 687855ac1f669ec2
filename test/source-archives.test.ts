import { randomBytes } from 'node:crypto'
import { appendFile, readdir, rename, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { build, temporaryFolder } from './build.ts'
import { metadata, sound } from './movies/sources.ts'
import { opening } from './opening.ts'
import { type ZipItem, zipFile } from './zip-file.ts'

/** Sources on this disk: folders, files, `.zip` and `.gz`, sound, damaged and hostile. */

const CSV = 'movies_metadata.csv'
const three = metadata(sound(3))

async function scene(t: Test, settings: Parameters<typeof opening>[1] = {}) {
  const folder = await temporaryFolder(t)
  const file = async (name: string, content: string | Buffer) => {
    await writeFile(path.join(folder, name), content)
    return path.join(folder, name)
  }
  const zip = async (items: ZipItem[]) => await file('archive.zip', zipFile(items))
  return { ...(await opening(t, settings)), folder, file, zip }
}

t.test('the same films come out of a file, a folder, a .gz and a .zip', async (t) => {
  const house = await build(t)
  const films = metadata(sound(250).map((film, index) => (index % 50 ? film : { ...film, budget: 'much' })))
  const sources: [string, string][] = [
    [await house.file('plain.csv', films), 'plain.csv'],
    [path.dirname(await house.file(`folder/${CSV}`, films)), CSV],
    [await house.file('named.csv.gz', gzipSync(films)), 'named.csv.gz'],
    [path.dirname(await house.file(`packed/${CSV}.gz`, gzipSync(films))), `${CSV}.gz`],
    [await house.file('a.zip', zipFile([{ name: `deep/in it/${CSV}`, content: films }])), `a.zip!deep/in it/${CSV}`],
    [path.dirname(await house.file('beside/b.zip', zipFile([{ name: CSV, content: films }]))), `b.zip!${CSV}`],
    [
      await house.file('c.ZIP', zipFile([{ name: `${CSV}.gz`, content: gzipSync(films), method: 0 }])),
      `c.ZIP!${CSV}.gz`,
    ],
  ]
  const rows = async () => {
    const { body } = await house.get('/v1/movies/films?limit=1000')
    return body.data.map((film: object) => ({ ...film, source_file: '', load_id: 0, source_load_id: 0 }))
  }
  let first: unknown
  for (const [source, name] of sources) {
    const load = await house.load(source, { force: true })
    t.match(
      load,
      { state: 'published', files: [{ name, read: 250, loaded: 250, warnings: 5, bytes: films.length }] },
      name,
    )
    t.match(load.progress, { bytes: load.progress?.bytes_total }, 'progress ends at its end')
    first ??= await rows()
    t.strictSame(await rows(), first, name)
    t.equal((await house.get('/v1/movies/films?limit=1')).body.data[0].source_file, name)
    const rejects = (await house.get(`/v1/loads/${load.id}/rejects`)).body.data
    t.strictSame(
      rejects.map((row: { line: number }) => row.line),
      [2, 52, 102, 152, 202],
    )
    t.match(await house.load(source), { state: 'unchanged' }, `${name} again brings nothing new`)
  }
  const repacked = await house.file(`repacked/${CSV}.gz`, gzipSync(films, { level: 1 }))
  t.match(await house.load(repacked), { state: 'unchanged' }, 'nor does the same file packed otherwise')
})

t.test('archives are read as other programs make them', async (t) => {
  const { read, file } = await scene(t)
  const content = 'id,title\n862,Toy Story\n'
  const made = {
    'python’s zipfile':
      'UEsDBBQAAAAAAIMYIkgAAAAAAAAAAAAAAAAIAAAAYXJjaGl2ZS9QSwMEFAAAAAgAgxgiSB4+bMwZAAAAFwAAABsAAABhcmNoaXZlL21vdmllc19tZXRhZGF0YS5jc3bLTNEpySzJSeWyMDPSCcmvVAguyS+q5AIAUEsBAhQDFAAAAAAAgxgiSAAAAAAAAAAAAAAAAAgAAAAAAAAAAAAAAIABAAAAAGFyY2hpdmUvUEsBAhQDFAAAAAgAgxgiSB4+bMwZAAAAFwAAABsAAAAAAAAAAAAAAIABJgAAAGFyY2hpdmUvbW92aWVzX21ldGFkYXRhLmNzdlBLBQYAAAAAAgACAH8AAAB4AAAAAAA=',
    'Info-ZIP into a pipe':
      'UEsDBBQACAAIAIMYIkgAAAAAAAAAABcAAAATABwAbW92aWVzX21ldGFkYXRhLmNzdlVUCQADJj6HViY+h1Z1eAsAAQQAAAAABAAAAADLTNEpySzJSeWyMDPSCcmvVAguyS+q5AIAUEsHCB4+bMwZAAAAFwAAAFBLAQIeAxQACAAIAIMYIkgePmzMGQAAABcAAAATABgAAAAAAAEAAACkgQAAAABtb3ZpZXNfbWV0YWRhdGEuY3N2VVQFAAMmPodWdXgLAAEEAAAAAAQAAAAAUEsFBgAAAAABAAEAWQAAAHYAAAAAAA==',
  }
  for (const [what, base64] of Object.entries(made)) {
    const contents = await read(await file('archive.zip', Buffer.from(base64, 'base64')))
    t.strictSame(Object.values(contents), [content], what)
  }
  const kinds: [string, Partial<ZipItem>][] = [
    ['stored', { method: 0 }],
    ['deflated', {}],
    ['sizes behind the data', { descriptor: true }],
    ['stored, sizes behind the data', { descriptor: true, method: 0 }],
    ['zip64', { zip64: true }],
    ['empty', { content: '' }],
    ['empty and stored', { content: '', method: 0 }],
    ['with Windows’ separators', { name: `folder\\${CSV}` }],
  ]
  for (const [what, kind] of kinds) {
    const item = { name: `folder/${CSV}`, content: three, ...kind }
    const archive = zipFile([{ name: 'folder/', content: '' }, item, { name: 'notes.txt', content: 'x' }], {
      comment: 'a comment',
    })
    const contents = await read(await file('archive.zip', archive))
    t.strictSame(contents, { [`archive.zip!folder/${CSV}`]: item.content }, what)
  }
  const large = three.repeat(5000)
  t.strictSame(await read(await file('large.zip', zipFile([{ name: CSV, content: large }]))), {
    [`large.zip!${CSV}`]: large,
  })
})

t.test('an archive knows when its files were written, or says nothing of it', async (t) => {
  const { open, file } = await scene(t)
  const dateOf = async (time: [number, number]) => {
    const source = await open(await file('archive.zip', zipFile([{ name: CSV, content: three, time }])))
    return source.files[0]?.modifiedAt.toISOString()
  }
  const { TZ } = process.env
  t.teardown(() => {
    if (TZ === undefined) delete process.env.TZ
    else process.env.TZ = TZ
  })
  for (process.env.TZ of ['UTC', 'Pacific/Auckland', 'America/Los_Angeles']) {
    t.equal(await dateOf([((1998 - 1980) << 9) | (6 << 5) | 12, 12 << 11]), '1998-06-12T12:00:00.000Z')
    for (const unknown of [0, (1 << 5) | 1]) t.equal(await dateOf([unknown, 0]), '1970-01-01T00:00:00.000Z')
  }
})

t.test('what is packed to do harm, or badly, is refused in a sentence', async (t) => {
  const { refusal, zip, file } = await scene(t, { maxBytes: 100e6 })
  const csv = { name: CSV, content: three }
  const packed = gzipSync(three)
  const zeros = Buffer.alloc(70 << 20)
  const cases: [string, ZipItem[], RegExp][] = [
    [
      'a bomb',
      [{ name: CSV, content: zeros }],
      /^archive\.zip!movies_metadata\.csv unpacks to more than 200 times its size/,
    ],
    [
      'a bomb that hides its size',
      [{ name: CSV, content: zeros, claims: { size: 1000 } }],
      /movies_metadata\.csv is longer than its archive says: it is damaged/,
    ],
    [
      'a bomb in a .gz in an archive',
      [{ name: `${CSV}.gz`, content: gzipSync(zeros), method: 0 }],
      /movies_metadata\.csv\.gz unpacks to more than 200 times its size/,
    ],
    [
      'more than is allowed',
      [{ name: CSV, content: 'x', claims: { size: 200e6, packed: 150e6 } }],
      /makes more than 100 MB, which is the most that SOURCE_MAX_MB lets/,
    ],
    [
      'a name that leads up',
      [csv, { name: '../../etc/cron.d/x', content: 'x' }],
      /^archive\.zip is refused: a name in it leads outside of it \(invalid relative path: \.\.\/\.\.\/etc/,
    ],
    ['the same in Windows’ way', [csv, { name: '..\\x', content: 'x' }], /leads outside of it/],
    ['an absolute name', [csv, { name: '/etc/passwd', content: 'x' }], /leads outside of it \(absolute path: \/etc/],
    ['a drive', [csv, { name: 'C:\\x', content: 'x' }], /leads outside of it/],
    ['an encrypted file', [{ ...csv, flags: 1 }], /^archive\.zip!movies_metadata\.csv is encrypted: unpack it first$/],
    ['strong encryption', [{ ...csv, flags: 0x41 }], /no sound zip file: strong encryption is not supported/],
    ['another method', [{ ...csv, method: 9 }], /is packed by zip's method 9; only stored and deflated/],
    [
      'a checksum that is not kept',
      [{ ...csv, claims: { crc: 1 } }],
      /damaged: its checksum is not that of its archive/,
    ],
    ['a size that is too large', [{ ...csv, claims: { size: three.length + 1 } }], /shorter than its archive says/],
    ['a stored file of two sizes', [{ ...csv, method: 0, claims: { size: 5 } }], /no sound zip file: .*size mismatch/],
    [
      'data beyond the archive',
      [{ ...csv, claims: { packed: 1e6 } }],
      /no sound zip file: file data overflows file bounds/,
    ],
    ['data that is cut off', [{ ...csv, claims: { packed: 100 } }], /is cut off: its packed data ends too early/],
    ['two files of one name', [csv, csv], /^archive\.zip holds movies_metadata\.csv twice$/],
    [
      'an archive in an archive',
      [{ name: 'inner.zip', content: zipFile([csv]) }],
      /holds other archives only \(inner\.zip\)/,
    ],
    ['a link', [{ ...csv, mode: 0o120777 }], /^archive\.zip has no movies_metadata\.csv/],
    ['nothing', [], /^archive\.zip has no movies_metadata\.csv/],
    ['only what macOS adds', [{ name: '__MACOSX/._films.zip', content: 'x' }], /^archive\.zip has no/],
    [
      'a folder name with a line end',
      [{ ...csv, name: `a\nb/${CSV}` }],
      /control characters or more than 1024 bytes: archive\.zip!a\?b/,
    ],
    [
      'a name of 2,000 bytes',
      [{ ...csv, name: `${'x'.repeat(2000)}/${CSV}` }],
      /control characters or more than 1024 bytes/,
    ],
  ]
  for (const [what, items, says] of cases) {
    const { message, retriable } = await refusal(await zip(items))
    t.match(message, says, what)
    t.notOk(retriable, what)
  }
  const sound = zipFile([csv])
  const files: [string, string, Buffer, RegExp][] = [
    [
      'an archive that is cut off',
      'x.zip',
      sound.subarray(0, -30),
      /^x\.zip is no sound zip file: End of central directory/,
    ],
    ['an archive that lacks its beginning', 'x.zip', sound.subarray(50), /^x\.zip is no sound zip file/],
    ['an empty archive file', 'x.zip', Buffer.alloc(0), /^x\.zip is no sound zip file/],
    ['a CSV file called .zip', 'x.zip', Buffer.from(three), /^x\.zip is no sound zip file/],
    ['a .gz that is cut off', 'x.csv.gz', packed.subarray(0, -20), /^x\.csv\.gz is cut off/],
    ['a .gz cut between members', 'x.csv.gz', Buffer.concat([packed, packed.subarray(0, 1)]), /^x\.csv\.gz is cut off/],
    ['an empty .gz', 'x.csv.gz', Buffer.alloc(0), /^x\.csv\.gz is cut off/],
    [
      'a .gz with another checksum',
      'x.csv.gz',
      changed(packed, packed.length - 6),
      /^x\.csv\.gz is damaged: incorrect data check/,
    ],
    ['a .gz with text behind it', 'x.csv.gz', Buffer.concat([packed, Buffer.from('text')]), /^x\.csv\.gz is damaged/],
    [
      'a .gz with text behind padding',
      'x.csv.gz',
      Buffer.concat([packed, Buffer.alloc(1 << 20), packed]),
      /damaged: behind its gzip data are bytes that are none/,
    ],
    ['a CSV file called .gz', 'x.csv.gz', Buffer.from(three), /^x\.csv\.gz is damaged: incorrect header check/],
    ['a .gz bomb', 'x.csv.gz', gzipSync(zeros), /^x\.csv\.gz unpacks to more than 200 times its size/],
  ]
  for (const [what, name, content, says] of files) {
    const { message, retriable } = await refusal(await file(name, content))
    t.match(message, says, what)
    t.notOk(retriable, what)
  }
  const inner = await zip([csv, { name: 'inner.zip', content: sound }])
  t.equal(
    (await refusal(inner)).message.slice(0, 9),
    'was read:',
    'an archive beside the file that is looked for does no harm',
  )
})

t.test('members of a .gz follow one another, and padding does no harm', async (t) => {
  const { read, file } = await scene(t)
  const [head, rest] = [three.slice(0, 100), three.slice(100)]
  const members = [gzipSync(head), gzipSync(''), gzipSync(rest)]
  t.strictSame(await read(await file('x.csv.gz', Buffer.concat(members))), { 'x.csv.gz': three })
  const padded = Buffer.concat([...members, Buffer.alloc(1 << 20)])
  t.strictSame(await read(await file('x.csv.gz', padded)), { 'x.csv.gz': three })
})

t.test('the limit is on all files of a load together, and a file that is read again counts once', async (t) => {
  const { open, file } = await scene(t, { maxBytes: three.length * 1.5 })
  const source = await open(await file('x.csv.gz', gzipSync(three)))
  const { signal } = new AbortController()
  for (let times = 0; times < 3; times++) for await (const _ of source.files[0]?.read(signal) ?? []);
  const { refusal } = await scene(t, { maxBytes: three.length * 0.5 })
  t.match((await refusal(await file('x.csv.gz', gzipSync(three)))).message, /^x\.csv\.gz makes more than 0 MB/)
})

t.test('a file that changes while it is read fails its load, which may be tried again', async (t) => {
  const { open, file, folder } = await scene(t)
  const { signal } = new AbortController()
  const changes: [string, (place: string) => Promise<unknown>][] = [
    ['longer', (place) => appendFile(place, 'x')],
    ['newer', (place) => utimes(place, 1, 2)],
    ['shorter', (place) => writeFile(place, 'x')],
    [
      'replaced',
      async (place) => {
        await writeFile(path.join(folder, 'new'), 'new')
        await rename(path.join(folder, 'new'), place)
      },
    ],
  ]
  // Nothing that packing makes small enough to be read at once.
  const noise = randomBytes(1 << 20).toString('hex')
  const sources: [string, Buffer][] = [
    ['plain.csv', Buffer.from(noise)],
    ['packed.csv.gz', gzipSync(noise)],
    ['archive.zip', zipFile([{ name: CSV, content: noise }])],
  ]
  for (const [name, content] of sources)
    for (const [what, change] of changes) {
      const place = await file(name, content)
      const source = await open(place)
      const whole = async () => {
        let begun = false
        for await (const _ of source.files[0]?.read(signal) ?? []) {
          if (!begun) await change(place)
          begun = true
        }
      }
      await t.rejects(
        whole(),
        { message: `${name} changed while it was read; load it again when it is complete`, retriable: true },
        `${name}, ${what}`,
      )
      await t.rejects(
        source.files[0]?.head(signal) as Promise<Buffer>,
        /changed while it was read/,
        'also from the beginning',
      )
    }
})

t.test('the head of a file is its first 64 KiB, and nothing is left open', async (t) => {
  const { open, file } = await scene(t)
  // Nothing that packing makes small enough to be read at once.
  const long = `${three}${randomBytes(1 << 20).toString('hex')}\n`
  const { signal } = new AbortController()
  const opened = async () => (await readdir('/proc/self/fd').catch(() => [])).length
  const before = await opened()
  for (const [name, content] of [
    ['plain.csv', Buffer.from(long)],
    ['packed.csv.gz', gzipSync(long)],
    ['archive.zip', zipFile([{ name: CSV, content: long }])],
    ['double.zip', zipFile([{ name: `${CSV}.gz`, content: gzipSync(long) }])],
  ] as const) {
    const source = await open(await file(name, content))
    for (const { base, head, read } of source.files) {
      t.equal(base, name === 'plain.csv' ? name : name === 'packed.csv.gz' ? 'packed.csv' : CSV)
      t.equal((await head(signal)).toString(), long.slice(0, 64 << 10), name)
      for await (const _ of read(signal)) break
    }
    await source.close()
  }
  t.equal(await opened(), before)
  const source = await open(await file('short.csv', three))
  t.equal((await source.files[0]?.head(signal))?.toString(), three)
  const stopped = AbortSignal.abort(new Error('stopped'))
  await t.rejects(source.files[0]?.head(stopped) as Promise<Buffer>, /stopped/)
})

t.test('links are followed where the owner put them, and not out of SOURCE_ROOTS for who asks over HTTP', async (t) => {
  const { read, refusal, file, folder, access } = await scene(t)
  const secret = await file('secret.csv', three)
  const archive = await file('secret.zip', zipFile([{ name: CSV, content: three }]))
  const root = await temporaryFolder(t)
  await symlink(secret, path.join(root, CSV))
  t.strictSame(await read(root), { [CSV]: three }, 'the command line')
  const asked = { trusted: false, access: { ...access, roots: [root] } }
  t.match(
    (await refusal(root, asked)).message,
    `${CSV} is a link that leads out of the folders that SOURCE_ROOTS names`,
  )
  const configured = { ...asked, access: { ...asked.access, configured: [root] } }
  t.strictSame(await read(root, configured), { [CSV]: three }, 'a configured source')
  const both = { ...asked, access: { ...asked.access, roots: [root, folder] } }
  t.strictSame(await read(root, both), { [CSV]: three }, 'a link from one root into another')
  await symlink(archive, path.join(root, 'a.zip'))
  t.match((await refusal(root, asked)).message, /^a\.zip is a link that leads out/)

  const house = await build(t, { SOURCE_ROOTS: root })
  t.match(await house.load(root, { trigger: 'admin' }), { state: 'failed', error: /^a\.zip is a link that leads out/ })
  await unlink(path.join(root, 'a.zip'))
  t.match(await house.load(root, { trigger: 'admin' }), { state: 'failed', error: /is a link that leads out/ })
  t.match(await house.load(root), { state: 'published' })
})

t.test('hidden files, and what is no file, are not looked at', async (t) => {
  const { read, refusal, file, folder } = await scene(t)
  await file(`.${CSV}.zip`, 'half a copy')
  t.match((await refusal(folder)).message, /^the folder \S+ has no movies_metadata\.csv/)
  await file(CSV, three)
  await symlink('/nowhere', path.join(folder, 'dangling.zip'))
  t.strictSame(await read(folder), { [CSV]: three })
  t.match(
    (await refusal('ftp://data.example/movies.json')).message,
    'ftp://data.example/movies.json: sources are folders, files, https:// and s3://, not ftp://',
  )
  t.match((await refusal('/dev/null')).message, 'null is not a file')
})

t.test('whatever bytes an archive has, it is read or refused', async (t) => {
  const { refusal, file } = await scene(t)
  const whole = zipFile([
    { name: 'notes.txt', content: 'x' },
    { name: CSV, content: three, zip64: true },
    { name: 'more.txt', content: 'y', descriptor: true },
  ])
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    return seed % below
  }
  let read = 0
  for (let times = 0; times < 500; times++) {
    const bytes = Buffer.from(whole)
    for (let n = random(3); n >= 0; n--) {
      // The directory and the ends of it, rather than the data.
      const at = times % 2 ? bytes.length - 1 - random(400) : random(bytes.length)
      bytes[at] = random(256)
    }
    const { message } = await refusal(
      await file('archive.zip', times % 5 ? bytes : bytes.subarray(0, random(bytes.length))),
    )
    if (message.startsWith('was read')) read++
    else t.match(message, /^archive\.zip|^a file’s name has control/)
  }
  t.ok(read > 50 && read < 450, `${read} were read`)
})

/** The same bytes but for one. */
function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] as number) ^ 0xff
  return copy
}
