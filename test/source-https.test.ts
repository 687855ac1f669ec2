import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import pg from 'pg'
import t from 'tap'
import { build, copyOfTemplate, temporaryFolder } from './build.ts'
import { fileServer, listening, sendFile } from './file-server.ts'
import { metadata, sound } from './movies/sources.ts'
import { opening } from './opening.ts'
import { environment, run, start, until } from './processes.ts'
import { zipFile } from './zip-file.ts'

/** Sources behind a URL, on servers that stall, cut off, redirect, change their minds, and lead elsewhere. */

t.setTimeout(360_000)

const CSV = 'movies_metadata.csv'
const films = Buffer.from(metadata(sound(3)))
/** Large enough that no single packet holds it. */
const large = Buffer.from(`${films}${randomBytes(300_000).toString('hex')}\n`)
const ending = (response: ServerResponse, status: number, headers = {}, body: string | Buffer = '') =>
  response.writeHead(status, headers).end(body)

t.test('a file, a .gz and an archive behind a URL load as they do from disk', async (t) => {
  const content = Buffer.from(metadata(sound(120)))
  const packed = gzipSync(content)
  const modified = { 'last-modified': 'Fri, 12 Jun 1998 12:00:00 GMT' }
  const server = await fileServer(t, ({ url }, response) => {
    if (url === '/films/plain.csv?token=secret') ending(response, 200, modified, content)
    else if (url === '/films/packed.csv.gz') ending(response, 200, modified, packed)
    else if (url === '/archive.zip') ending(response, 200, modified, zipFile([{ name: `a/${CSV}`, content }]))
    else if (url === '/films/encoded.csv') ending(response, 200, { ...modified, 'content-encoding': 'gzip' }, packed)
    else if (url === '/films/encoded.csv.gz') ending(response, 200, { ...modified, 'content-encoding': 'gzip' }, packed)
    else if (url === '/download?id=7')
      ending(response, 200, { ...modified, 'content-disposition': `attachment; filename="../${CSV}"` }, content)
    else
      ending(
        response,
        200,
        { ...modified, 'content-disposition': "attachment; filename*=UTF-8''films%20of%20%C3%A9t%C3%A9.csv" },
        content,
      )
  })
  const house = await build(t, { SOURCE_HOSTS: server.host })
  const rows = async () => {
    const { body } = await house.get('/v1/movies/films?limit=1000')
    return body.data.map((film: object) => ({ ...film, source_file: '', load_id: 0, source_load_id: 0 }))
  }
  await house.load(await house.file('plain.csv', content))
  const fromDisk = await rows()
  for (const [place, name] of [
    ['/films/plain.csv?token=secret', 'plain.csv'],
    ['/films/packed.csv.gz', 'packed.csv.gz'],
    ['/archive.zip', `archive.zip!a/${CSV}`],
    ['/films/encoded.csv', 'encoded.csv'],
    ['/films/encoded.csv.gz', 'encoded.csv.gz'],
    ['/download?id=7', CSV],
    ['/films/', 'films of été.csv'],
  ] as const) {
    const load = await house.load(server.url + place, { force: true })
    t.match(load, { state: 'published', error: null, files: [{ name, loaded: 120, bytes: content.length }] }, place)
    t.strictSame(await rows(), fromDisk, place)
    t.match(load.notes, [/^fetched http:\/\/127\.0\.0\.1:\d+\/\S+: \d+ bytes, sha256 [\da-f]{64}$/])
    t.notMatch(JSON.stringify(load.notes), 'secret')
    t.match(await house.load(server.url + place), { state: 'unchanged' })
    if (!place.endsWith('.zip')) t.equal(load.files[0]?.modified_at, '1998-06-12T12:00:00.000Z')
  }
  const left = (await readdir(house.folder, { recursive: true })).filter((name) => /download|load-/.test(name))
  t.strictSame(
    left.filter((name) => /load-/.test(path.basename(name))),
    [],
    'nothing of it stays on the disk',
  )
})

t.test('a download that breaks off goes on where it was', async (t) => {
  const server = await fileServer(t, (request, response) => sendFile(request, response, large, { cutAfter: 70_000 }))
  const { open, read, access } = await opening(t, { hosts: [server.host] })
  t.strictSame(await read(`${server.url}/${CSV}`), { [CSV]: large.toString() })
  t.ok(server.requests.length > 5, 'also more often than it would be tried without progress')
  const [first, ...others] = server.requests
  t.match(first, { 'accept-encoding': 'identity', range: undefined })
  for (const { range, 'if-range': ifRange } of others) t.match([range, ifRange], [/^bytes=\d+-$/, '"1"'])
  const asked = others.map(({ range }) => Number(range?.slice(6, -1)))
  t.ok(
    asked.every((from, index) => from > (asked[index - 1] ?? 0)),
    'nothing is fetched twice',
  )

  const progress: [string, number, number | undefined][] = []
  const source = await open(`${server.url}/${CSV}`, { onDownload: (...now) => progress.push(now) })
  t.strictSame(progress.at(-1), [`${server.url}/${CSV}`, large.length, large.length])
  const digest = createHash('sha256').update(large).digest('hex')
  t.match(source.notes, [new RegExp(`^fetched .*: ${large.length} bytes, sha256 ${digest}, in \\d+ tries$`)])
  t.ok(existsSync(access.downloads))
  await source.close()
  t.notOk(existsSync(access.downloads))
})

t.test('a server that cannot go on where it was is asked from the beginning', async (t) => {
  const lastModified = (date: string) => ({ 'last-modified': 'Fri, 12 Jun 1998 12:00:00 GMT', date })
  const headers: [string, Record<string, string>, RegExp | undefined][] = [
    ['it knows no validator', {}, undefined],
    ['its validator is weak', { etag: 'W/"1"' }, undefined],
    ['it ignores Range', { etag: '"1"' }, /^bytes=\d+-$/],
    ['it has but a date', lastModified('Fri, 12 Jun 1998 12:00:05 GMT'), /^bytes=\d+-$/],
    ['its date may be that of two files', lastModified('Fri, 12 Jun 1998 12:00:00 GMT'), undefined],
  ]
  for (const [what, having, range] of headers) {
    const server = await fileServer(t, (_, response, nth) => {
      response.writeHead(200, { 'content-length': large.length, ...having })
      if (nth === 3) response.end(large)
      else response.write(large.subarray(0, 100_000 * nth), () => setTimeout(() => response.destroy(), 20))
    })
    const { read } = await opening(t, { hosts: [server.host] })
    t.strictSame(await read(`${server.url}/${CSV}`), { [CSV]: large.toString() }, what)
    t.match(
      server.requests.map((request) => request.range),
      [undefined, range, range],
      what,
    )
  }
})

t.test('a file that changes on the way is never put together from two', async (t) => {
  const newer = Buffer.from(`${films}${'x'.repeat(large.length - films.length)}`)
  const answers: [string, (request: IncomingMessage, response: ServerResponse, nth: number) => void][] = [
    [
      'with If-Range',
      (request, response, nth) =>
        nth === 1
          ? sendFile(request, response, large, { cutAfter: 200_000 })
          : sendFile(request, response, newer, { etag: '"2"' }),
    ],
    [
      'without',
      ({ headers }, response, nth) => {
        if (nth === 1) return sendFile({ headers } as IncomingMessage, response, large, { cutAfter: 200_000 })
        const from = Number(headers.range?.slice(6, -1) ?? 0)
        const part = { 'content-range': `bytes ${from}-${newer.length - 1}/${newer.length}`, etag: '"2"' }
        if (from > 0) ending(response, 206, part, newer.subarray(from))
        else ending(response, 200, { etag: '"2"' }, newer)
      },
    ],
    [
      'and is longer, of the same ETag',
      ({ headers }, response, nth) => {
        if (nth === 1)
          return sendFile({ headers } as IncomingMessage, response, large.subarray(0, -9), { cutAfter: 200_000 })
        const from = Number(headers.range?.slice(6, -1) ?? 0)
        const part = { 'content-range': `bytes ${from}-${newer.length - 1}/${newer.length}`, etag: '"1"' }
        if (from > 0) ending(response, 206, part, newer.subarray(from))
        else ending(response, 200, { etag: '"1"' }, newer)
      },
    ],
    [
      'and another part comes than was asked for',
      ({ headers }, response, nth) => {
        if (nth === 1) return sendFile({ headers } as IncomingMessage, response, large, { cutAfter: 200_000 })
        const part = { 'content-range': `bytes 0-${newer.length - 1}/${newer.length}`, etag: '"1"' }
        if (headers.range) ending(response, 206, part, newer)
        else ending(response, 200, { etag: '"1"' }, newer)
      },
    ],
    [
      'and is shorter than what is there',
      ({ headers }, response, nth) => {
        if (nth === 1) return sendFile({ headers } as IncomingMessage, response, large, { cutAfter: 200_000 })
        if (headers.range) ending(response, 416)
        else ending(response, 200, { etag: '"2"' }, newer)
      },
    ],
  ]
  for (const [what, answer] of answers) {
    const server = await fileServer(t, answer)
    const { read } = await opening(t, { hosts: [server.host] })
    t.strictSame(await read(`${server.url}/${CSV}`), { [CSV]: newer.toString() }, what)
  }
})

t.test('a server that is busy, stalls or breaks off is tried again, and not for ever', async (t) => {
  const silent = net.createServer(() => {})
  const hangsUp = net.createServer((socket) => socket.once('data', () => socket.destroy()))
  const babbles = net.createServer((socket) => socket.once('data', () => socket.end('hello\r\n\r\n')))
  const closed = net.createServer()
  const hosts = await Promise.all([silent, hangsUp, babbles, closed].map(listening))
  closed.close()
  t.teardown(() => [silent, hangsUp, babbles].map((server) => server.close()))
  const { refusal } = await opening(t, { hosts })
  const given = '; given up after 5 tries'
  for (const [host, says] of [
    [`http://${hosts[0]}`, 'the server did not answer for 0.4 seconds'],
    [`http://${hosts[1]}`, 'the connection broke off'],
    [`http://${hosts[2]}`, 'the answer is not HTTP'],
    [`http://${hosts[3]}`, 'the connection was refused'],
  ] as const)
    t.strictSame(await refusal(`${host}/${CSV}`), { message: `${host}/${CSV}: ${says}${given}`, retriable: true })

  const statuses = await fileServer(t, ({ url }, response, nth) => {
    if (nth % 3 === 0) ending(response, 200, {}, films)
    else ending(response, Number(url?.slice(1, 4)), { 'retry-after': '0' })
  })
  const { read } = await opening(t, { hosts: [statuses.host] })
  for (const status of [408, 429, 500, 502, 503, 504])
    t.strictSame(await read(`${statuses.url}/${status}/x.csv`), { 'x.csv': films.toString() }, String(status))
  t.equal(statuses.requests.length, 18)

  const stalls = await fileServer(t, (request, response, nth) => {
    if (nth === 3) return sendFile(request, response, large)
    response.writeHead(200, { 'content-length': large.length, etag: '"1"' })
    response.write(large.subarray(0, 1000))
  })
  const stalling = await opening(t, { hosts: [stalls.host] })
  t.strictSame(await stalling.read(`${stalls.url}/x.csv`), { 'x.csv': large.toString() })
  const always = await fileServer(t, (_, response) => {
    response.writeHead(200, { 'content-length': large.length })
    response.write(large.subarray(0, 1000))
  })
  const late = await opening(t, { hosts: [always.host] })
  t.match(await late.refusal(`${always.url}/x.csv`), {
    message: /x\.csv: nothing came for 0\.4 seconds; given up after 5/,
    retriable: true,
  })
  t.equal(always.requests.length, 5)
})

t.test(
  'a transfer that is longer than its server says ends at what it said; one that is shorter is told',
  async (t) => {
    const cut = net.createServer((socket) =>
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${films.length + 1}\r\n\r\n${films}`)),
    )
    const chunked = net.createServer((socket) =>
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nid,ti\r\n`)),
    )
    const hosts = await Promise.all([cut, chunked].map(listening))
    t.teardown(() => [cut, chunked].map((server) => server.close()))
    const { refusal } = await opening(t, { hosts })
    for (const host of hosts)
      t.match(await refusal(`http://${host}/x.csv`), {
        message: /the connection broke off; given up after 5 tries/,
        retriable: true,
      })
  },
)

t.test('Retry-After is waited for, if it is not too long', async (t) => {
  const server = await fileServer(t, ({ url }, response, nth) => {
    const when: Record<string, string> = {
      '/seconds.csv': '1',
      '/date.csv': new Date(Date.now() + 2000).toUTCString(),
      '/long.csv': '3600',
      '/odd.csv': 'soon',
    }
    if (nth % 2) ending(response, 503, { 'retry-after': when[url ?? ''] })
    else ending(response, 200, {}, films)
  })
  const { read, refusal } = await opening(t, { hosts: [server.host] })
  for (const [name, least] of [
    ['seconds.csv', 1000],
    ['date.csv', 900],
    ['odd.csv', 0],
  ] as const) {
    const since = Date.now()
    t.strictSame(await read(`${server.url}/${name}`), { [name]: films.toString() })
    t.ok(Date.now() - since >= least && Date.now() - since < least + 4000, `${name} took ${Date.now() - since} ms`)
  }
  t.match(await refusal(`${server.url}/long.csv`), {
    message: /answered 503 and asks to come back in 60 minutes$/,
    retriable: true,
  })
})

t.test('what trying again cannot help is told at once', async (t) => {
  const server = await fileServer(t, ({ url }, response) => {
    const status = Number(url?.slice(1, 4))
    ending(response, status, status === 200 ? { 'content-encoding': 'br' } : {}, status === 204 ? '' : 'x')
  })
  const { refusal } = await opening(t, { hosts: [server.host] })
  for (const [place, says] of [
    ['400', 'the server answered 400'],
    ['401', 'the server refuses it (401)'],
    ['403', 'the server refuses it (403)'],
    ['404', 'the server has no such file (404)'],
    ['410', 'the server has no such file (410)'],
    ['204', 'the server answered 204'],
    ['206', 'the server answered 206'],
    ['304', 'the server answered 304'],
    ['200', 'the server sends it encoded (br) although it was asked not to'],
  ] as const) {
    const { length } = server.requests
    const { message, retriable } = await refusal(`${server.url.replace('//', '//user:pass@')}/${place}?key=1`)
    t.equal(message, `${server.url}/${place}: ${says}`)
    t.notOk(retriable)
    t.equal(server.requests.length, length + 1)
  }
})

t.test('too large, too slow and not what was asked for: refused', async (t) => {
  const server = await fileServer(t, ({ url }, response) => {
    if (url === '/told.csv') {
      response.writeHead(200, { 'content-length': 3e6 })
      response.write('x')
    } else if (url === '/untold.csv') {
      const more = () => void (response.destroyed || response.write(large, () => setImmediate(more)))
      more()
    } else if (url === '/slow.csv') {
      response.writeHead(200, { 'content-length': 1000 })
      const timer = setInterval(() => response.write('x'), 50)
      response.once('close', () => clearInterval(timer))
    } else ending(response, 200, {}, films)
  })
  const { refusal, read, access } = await opening(t, { hosts: [server.host], maxBytes: 2e6, maxSeconds: 1 })
  for (const place of ['told.csv', 'untold.csv'])
    t.strictSame(await refusal(`${server.url}/${place}`), {
      message: `${server.url}/${place} is larger than the 2 MB that SOURCE_MAX_MB allows`,
      retriable: false,
    })
  t.equal(server.requests.length, 2)
  t.strictSame(await refusal(`${server.url}/slow.csv`), {
    message: `${server.url}/slow.csv took longer than the 1 minutes that SOURCE_TIMEOUT_MINUTES allows`,
    retriable: true,
  })
  const digest = createHash('sha256').update(films).digest('hex')
  t.ok(await read(`${server.url}/x.csv#sha256=${digest}`))
  t.ok(await read(`${server.url}/x.csv#sha256=${digest.toUpperCase()}`))
  const wrong = 'a'.repeat(64)
  t.equal(
    (await refusal(`${server.url}/x.csv#sha256=${wrong}`)).message,
    `${server.url}/x.csv is not the file that was asked for: its sha256 is ${digest}, not ${wrong}`,
  )
  t.match((await refusal(`${server.url}/x.csv#sha256=abc`)).message, /takes 64 hexadecimal digits/)
  t.notOk(existsSync(access.downloads), 'nothing of what was refused stays on the disk')
})

t.test('redirects are followed within their host', async (t) => {
  const other = await fileServer(t, (_, response) => ending(response, 200, {}, films))
  const server = await fileServer(t, ({ url }, response) => {
    const to: Record<string, string> = {
      '/relative.csv': 'there/x.csv',
      '/absolute.csv': `${server.url}/there/x.csv?signed=1`,
      '/loop.csv': '/loop.csv',
      '/port.csv': `${other.url}/x.csv?signed=1`,
      '/name.csv': `${server.url.replace('127.0.0.1', 'localhost')}/x.csv`,
      '/host.csv': 'https://data.example/x.csv?signed=1',
      '/scheme.csv': `${server.url.replace('http:', 'https:')}/x.csv`,
      '/file.csv': 'file:///etc/passwd',
      '/nowhere.csv': 'http://[',
    }
    const [, hops] = /^\/hops\/(\d)$/.exec(url ?? '') ?? []
    const location = hops === undefined ? to[url ?? ''] : hops === '0' ? '/there/x.csv' : `/hops/${Number(hops) - 1}`
    if (location) ending(response, [301, 302, 303, 307, 308][server.requests.length % 5] as number, { location })
    else ending(response, 200, {}, films)
  })
  // Both are named: who may be asked is one question, whom a server may send us to another.
  const { read, refusal } = await opening(t, { hosts: [server.host, other.host, 'localhost', 'data.example'] })
  for (const place of ['relative.csv', 'absolute.csv', 'hops/4']) {
    const contents = await read(`${server.url.replace('//', '//user:p%40ss@')}/${place}`)
    t.strictSame(Object.values(contents), [films.toString()], place)
    t.equal(server.requests.at(-1)?.authorization, `Basic ${Buffer.from('user:p@ss').toString('base64')}`)
  }
  for (const [place, says] of [
    ['loop.csv', 'redirects more than 5 times'],
    ['hops/5', 'redirects more than 5 times'],
    ['port.csv', `redirects to another host, ${other.host}: name the file where it lies`],
    [
      'name.csv',
      `redirects to another host, ${server.host.replace('127.0.0.1', 'localhost')}: name the file where it lies`,
    ],
    ['host.csv', 'redirects to another host, data.example: name the file where it lies'],
    ['scheme.csv', 'redirects from http: to https:'],
    ['file.csv', 'redirects to another host, file:: name the file where it lies'],
    ['nowhere.csv', 'redirects to what is no address'],
  ] as const)
    t.strictSame(await refusal(`${server.url}/${place}`), {
      message: `${server.url}/${place} ${says}`,
      retriable: false,
    })
  t.equal(other.requests.length, 0, 'nobody else is asked')
})

t.test('private addresses, and plain http, are read only where SOURCE_HOSTS names them', async (t) => {
  const server = await fileServer(t, (_, response) => ending(response, 200, {}, films))
  const port = server.host.split(':')[1]
  const { refusal, access, read } = await opening(t)
  const isPrivate = /: its host has a private address, and those are read only from hosts that SOURCE_HOSTS names$/
  for (const host of [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '[::]',
    '[::1]',
    '[fe80::1]',
    '[fc00::1]',
    '[fdff::1]',
    '[ff02::1]',
    '[fec0::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:8.8.8.8]',
    '[::127.0.0.1]',
    '[64:ff9b::10.0.0.1]',
    '[64:ff9b:1::1]',
    '[2002:7f00:1::]',
    '[2001::1]',
    // Names, which are looked up as the connection is made.
    'localhost',
    'LOCALHOST',
  ])
    t.match(await refusal(`https://${host}:${port}/x.csv`), { message: isPrivate, retriable: false }, host)
  t.match(
    (await refusal(`${server.url}/x.csv`)).message,
    /: plain http is read only from hosts that SOURCE_HOSTS names; use https$/,
  )
  t.match((await refusal('http://data.example/x.csv')).message, /plain http/)
  t.equal(server.requests.length, 0)
  const named = (...hosts: string[]) => ({ access: { ...access, hosts } })
  const local = `http://localhost:${port}/x.csv`
  for (const host of ['localhost', `localhost:${port}`, 'LocalHost'])
    t.ok(await read(local, named('data.example', host)), host)
  for (const host of ['localhost:1', '127.0.0.1', 'host', 'localhost.evil.example', server.url])
    t.match((await refusal(local, named(host))).message, /plain http/, host)
})

t.test('over https a certificate must be trusted', async (t) => {
  const folder = await temporaryFolder(t)
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject], {
    stdio: 'ignore',
  })
  const tls = { key: await readFile(key), cert: await readFile(cert) }
  const server = await fileServer(t, (request, response) => sendFile(request, response, films), tls)
  const databaseUrl = await copyOfTemplate(t)
  const env = { ...environment({ databaseUrl, folder }), SOURCE_HOSTS: server.host }
  const load = ['load', 'movies', '--source', `${server.url.replace('//', '//me:secret@')}/${CSV}`]
  t.match(await run(t, env, ...load), {
    code: 1,
    stdout:
      /^load 1 of movies: failed: https:\/\/127\.0\.0\.1:\d+\/movies_metadata\.csv: its certificate is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\)\n/,
  })
  t.equal(server.requests.length, 0)
  t.match(await run(t, { ...env, NODE_EXTRA_CA_CERTS: cert }, ...load), {
    code: 0,
    stdout:
      /^load 2 of movies: published\n {2}movies_metadata\.csv: 3 read = 3 loaded[\s\S]*\n {2}fetched https:\/\/127/,
  })
  t.equal(server.requests.length, 1, 'looking at the source beforehand asks nobody')
  t.match(server.requests, [{ authorization: `Basic ${Buffer.from('me:secret').toString('base64')}` }])
  const silent = net.createServer(() => {})
  const host = await listening(silent)
  t.teardown(() => silent.close())
  const { refusal } = await opening(t, {
    hosts: [host],
    patience: { tries: 1, firstWaitMs: 1, longestWaitMs: 1, connectMs: 300, stallMs: 9000 },
  })
  t.match((await refusal(`https://${host}/x.csv`)).message, /no connection was made for 0\.3 seconds/)
})

t.test('a load that is stopped or killed while it fetches leaves nothing for long', async (t) => {
  const slow = await fileServer(t, (_, response) => {
    response.writeHead(200, { 'content-length': 1e9 })
    const timer = setInterval(() => response.write(large), 20)
    response.once('close', () => clearInterval(timer))
  })
  const databaseUrl = await copyOfTemplate(t)
  const folder = await temporaryFolder(t)
  const env = { ...environment({ databaseUrl, folder }), SOURCE_HOSTS: slow.host }
  const downloads = async () =>
    (await readdir(folder, { recursive: true }))
      .filter((name) => /load-\d+$/.test(name))
      .map((name) => path.basename(name))
  const load = ['load', 'movies', '--source', `${slow.url}/${CSV}`]

  const stopped = start(t, env, ...load)
  const db = new pg.Client(databaseUrl)
  await db.connect()
  t.teardown(() => db.end())
  const progress = await until('it tells how far it is', async () => {
    const { rows } = await db.query('select progress from reelhouse.load where load_id = 1')
    return rows[0]?.progress.stage && rows[0].progress
  })
  t.match(progress, { stage: 'download', file: `${slow.url}/${CSV}`, bytes: Number, bytes_total: 1e9, records: 0 })
  t.strictSame(await downloads(), ['load-1'])
  stopped.child.kill('SIGTERM')
  t.match(await stopped.ended, { code: 1, stdout: /^load 1 of movies: cancelled: Stopped by SIGTERM/ })
  t.strictSame(await downloads(), [])

  const killed = start(t, env, ...load)
  await until('it fetches', async () => (await downloads()).includes('load-2'))
  killed.child.kill('SIGKILL')
  await killed.ended
  t.strictSame(await downloads(), ['load-2'])
  t.match(
    await run(t, env, ...load.slice(0, 3), 'http://data.example/'),
    { code: 1, stderr: /plain http/, stdout: '' },
    'a wrong source is no load',
  )
  await until('its session is over', async () => !/running/.test((await run(t, env, 'loads')).stdout))
  const next = path.join(folder, 'next.csv')
  await writeFile(next, films)
  t.match(await run(t, env, 'load', 'movies', '--source', next), { code: 0, stdout: /^load 3 of movies: published/ })
  t.strictSame(await downloads(), [], 'the next load sweeps')
})
