import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { programFolder } from '../src/discover.ts'
import { temporaryFolder } from './build.ts'
import { comparable, rewritten, run, type Transcript, transcriptsOf } from './transcripts.ts'

const README = path.join(programFolder, 'README.md')

// By itself tap gives up after half a minute; the runner's own limit stands.
t.setTimeout(0)
t.test('what the README shows is what a new user gets', { timeout: 0 }, async (t) => {
  const readme = await readFile(README, 'utf8')
  const transcripts = transcriptsOf(readme)
  t.ok(transcripts.length >= 5, 'there are transcripts')
  const { address, load } = await startAsANewUser(t)
  const outputs = new Map<string, string>()
  const check = async (some: Transcript[]) => {
    for (const transcript of some) {
      const output = comparable(await run(transcript, address))
      outputs.set(transcript.command, output)
      if (!process.env.UPDATE) t.equal(output, comparable(transcript.output), transcript.command)
    }
  }
  await check(transcripts.filter((one) => !isOfNextMonth(one)))
  if (shared !== undefined) {
    const file = path.join(shared, 'movies/movies_metadata.csv')
    await load(file)
    await load(await monthLater(t, file))
    await check(transcripts.filter(isOfNextMonth))
  } else t.comment('not run: what needs the real file, whose folder REELHOUSE_SHARED_DATA does not name')
  if (process.env.UPDATE) await writeFile(README, rewritten(readme, outputs))
})

t.test('the README names every command and every setting', async (t) => {
  const readme = await readFile(README, 'utf8')
  const config = await readFile(path.join(programFolder, 'src/config.ts'), 'utf8')
  const settings = [...config.matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(([, name]) => name as string)
  t.ok(settings.length > 10)
  for (const name of settings) t.ok(readme.includes(`\`${name}\``), name)
})

/** What the README tells of loads 2 and 3 needs the real file, which is not part of this repository. */
const shared = process.env.REELHOUSE_SHARED_DATA
const isOfNextMonth = ({ command }: Transcript) => command.includes('/v1/loads/3/')

/** The file as the README's own script makes it. */
async function monthLater(t: Tap, file: string): Promise<string> {
  const place = path.join(await temporaryFolder(t), 'movies_metadata.csv')
  const script = path.join(programFolder, 'test/fixtures/next-month.sed')
  const { stdout } = await promisify(execFile)('sed', ['-f', script, file], { maxBuffer: 2 ** 27 })
  await writeFile(place, stdout)
  return place
}

/** `npm start` on an empty data folder, awaited until the sample is published. */
async function startAsANewUser(t: Tap) {
  const folder = await temporaryFolder(t)
  await chmod(folder, 0o755)
  const program = path.join(import.meta.dirname, '../src/bin/reelhouse.js')
  const env = { PATH: process.env.PATH, DATA_DIR: folder, PORT: '0', LOG_LEVEL: 'warn' }
  const server = spawn(process.execPath, [program, 'serve'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(server, 'close')
  t.teardown(async () => {
    server.kill('SIGTERM')
    await ended
  })
  let said = ''
  await new Promise<void>((resolve) => {
    server.stdout.on('data', (chunk) => {
      said += chunk
      if (/see load 1 now/.test(said)) resolve()
    })
    server.once('close', () => resolve())
  })
  return {
    address: /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] as string,
    load: (source: string) =>
      promisify(execFile)(process.execPath, [program, 'load', 'movies', '--source', source], { env }),
  }
}

type Tap = Parameters<typeof temporaryFolder>[0]
