import { Command } from 'commander'
import type { Generator } from '../../ingest/subject.ts'
import { loadSubjects } from '../subjects.ts'
import { say, UsageError } from './context.ts'

interface Options {
  out: string
  seed: string
}

export function generateCommand(program: Command): void {
  program
    .command('generate <subject>')
    .description('write synthetic files of the real shape, quirks included')
    .usage('<subject> --out <folder> [--seed <number>] [sizes of the subject, such as --films <number>]')
    .requiredOption('--out <folder>', 'folder to write to; it is made if need be')
    .option('--seed <number>', 'the same seed gives the same bytes', '1')
    // What there can be more or less of, only the subject knows.
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (name: string, { out, seed }: Options, { args }: Command) => {
      const { generate } = (await loadSubjects()).get(name) ?? {}
      if (!generate) throw new UsageError(`there is no generator of ${name}`)
      const sizes = sizesOf(name, generate, args.slice(1))
      const summary = await generate.write({ out, seed: whole('seed', seed, 2 ** 31), sizes })
      say(JSON.stringify(summary))
    })
}

/** The subject's own options, as a command of their own reads them: with its complaints and its help. */
function sizesOf(name: string, { sizes }: Generator, args: string[]): Record<string, number> {
  const own = new Command(`generate ${name}`).exitOverride().showHelpAfterError()
  for (const [size, { of, default: usual }] of Object.entries(sizes))
    own.option(`--${size} <number>`, of, usual === undefined ? undefined : String(usual))
  const asked = own.parse(args, { from: 'user' }).opts<Record<string, string>>()
  return Object.fromEntries(
    Object.entries(asked).map(([size, text]) => [size, whole(size, text, sizes[size]?.most as number)]),
  )
}

function whole(option: string, text: string, max: number): number {
  if (/^\d{1,10}$/.test(text) && Number(text) <= max) return Number(text)
  throw new UsageError(`--${option} takes a whole number up to ${max}, not ${text}`)
}
