import { gzipSync } from 'node:zlib'
import t from 'tap'
import { build } from '../build.ts'
import { zipFile } from '../zip-file.ts'
import { awkward } from './awkward.ts'
import { figures, LOG, loaded, log, play, tree } from './scene.ts'

/** Where logs can come from, and what is none. */

t.test('the same is read from a folder with strangers, a zip of it, packed logs, and one log by itself', async (t) => {
  const house = await build(t)
  await house.load(await tree(house, awkward), { subject: 'music' })
  const expected = await figures(house)
  const packed = Object.fromEntries(
    Object.entries(awkward).map(([name, text]) => [
      name.includes('events') ? `${name}.gz` : name,
      name.includes('events') ? gzipSync(text) : text,
    ]),
  )
  const strangers = {
    'readme.txt': 'Songs',
    '.DS_Store': '\0',
    'log_data/picture.json': '\x89PNG',
    'other.csv': 'a,b\n1,2\n',
    '__MACOSX/log_data/2018-11-01-events.json': '\0',
  }
  const sources = {
    'with strangers': await tree(house, { ...awkward, ...strangers }),
    'packed logs': await tree(house, packed),
    'a zip': await house.file(
      'music.zip',
      await zipFile(
        Object.entries({ ...awkward, ...strangers }).map(([name, content]) => ({ name, content })) as never,
      ),
    ),
  }
  for (const [what, source] of Object.entries(sources)) {
    const load = await house.load(source, { subject: 'music', mode: 'replace', force: true })
    t.match(load, { state: 'published', error: null }, what)
    t.strictSame(await figures(house), expected, what)
  }
  const [first = ''] = Object.keys(awkward)
  const alone = await house.load(await house.file('whatever.json', String(awkward[first])), {
    subject: 'music',
    mode: 'replace',
  })
  t.match(alone, { state: 'published', files: [{ name: 'whatever.json', loaded: 18 }] })
})

t.test('an empty log is a log without events; what is no log at all fails in a sentence', async (t) => {
  const house = await build(t)
  t.match(await loaded(house, { [LOG]: '', 'b-events.json': '\n\n' }), {
    state: 'published',
    error: null,
    files: [{ read: 0 }, { read: 0 }],
  })
  const failures: [Record<string, string | Buffer>, RegExp][] = [
    [{ 'notes.txt': 'nothing' }, /^the folder .* has no 2018-11-01-events.json/],
    [{ [LOG]: `{"a":"${'x'.repeat(65 << 20)}` }, /has a line larger than 64 MiB/],
    [{ [LOG]: gzipSync(log(play())) }, /looks like a gzip file/],
  ]
  for (const [files, error] of failures) {
    t.match(await loaded(house, files), { state: 'failed', error })
  }
  for (const text of ['\x89PNG\n', `[${JSON.stringify(play())}]`])
    t.match(await loaded(house, { [LOG]: text }), { state: 'blocked', files: [{ read: 1, loaded: 0, rejected: 1 }] })
})
