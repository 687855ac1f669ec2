import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { programFolder } from '../src/discover.ts'
import { temporaryFolder } from './build.ts'
import { comparable, rewritten, run, transcriptsOf } from './transcripts.ts'

const README = path.join(programFolder, 'README.md')

t.test('what the README shows is what a new user gets', async (t) => {
  const readme = await readFile(README, 'utf8')
  const transcripts = transcriptsOf(readme)
  t.ok(transcripts.length >= 5, 'there are transcripts')
  const address = await startAsANewUser(t)
  const outputs = new Map<string, string>()
  for (const transcript of transcripts) {
    const output = comparable(await run(transcript, address))
    outputs.set(transcript.command, output)
    if (!process.env.UPDATE) t.equal(output, comparable(transcript.output), transcript.command)
  }
  if (process.env.UPDATE) await writeFile(README, rewritten(readme, outputs))
})

t.test('the README names every command and every setting', async (t) => {
  const readme = await readFile(README, 'utf8')
  const config = await readFile(path.join(programFolder, 'src/config.ts'), 'utf8')
  const settings = [...config.matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(([, name]) => name as string)
  t.ok(settings.length > 10)
  for (const name of settings) t.ok(readme.includes(`\`${name}\``), name)
})

/** `npm start` on an empty data folder, awaited until the sample is published. */
async function startAsANewUser(t: Tap): Promise<string> {
  const folder = await temporaryFolder(t)
  await chmod(folder, 0o755)
  const server = spawn(process.execPath, [path.join(import.meta.dirname, '../src/bin/reelhouse.js'), 'serve'], {
    env: { PATH: process.env.PATH, DATA_DIR: folder, PORT: '0', LOG_LEVEL: 'warn' },
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
  return /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] as string
}

type Tap = Parameters<typeof temporaryFolder>[0]
