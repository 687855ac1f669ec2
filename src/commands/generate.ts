import type { Command } from 'commander'
import { loadSubjects } from '../subjects.ts'
import { say, UsageError } from './context.ts'

interface Options {
  out: string
  films: string
  ratings?: string
  seed: string
}

export function generateCommand(program: Command): void {
  program
    .command('generate <subject>')
    .description('write synthetic files of the real shape, quirks included')
    .requiredOption('--out <folder>', 'folder to write to; it is made if need be')
    .option('--films <number>', 'films', '45000')
    .option('--ratings <number>', 'the rest of the data set, too: credits, keywords, links, and so many ratings')
    .option('--seed <number>', 'the same seed gives the same bytes', '1')
    .action(async (name: string, { out, films, ratings, seed }: Options) => {
      const subject = (await loadSubjects()).get(name)
      if (!subject?.generate) throw new UsageError(`there is no generator of ${name}`)
      const summary = await subject.generate({
        out,
        films: whole('films', films, 10_000_000),
        ...(ratings === undefined ? {} : { ratings: whole('ratings', ratings, 1_000_000_000) }),
        seed: whole('seed', seed, 2 ** 31),
      })
      say(JSON.stringify(summary))
    })
}

function whole(option: string, text: string, max: number): number {
  if (/^\d{1,10}$/.test(text) && Number(text) <= max) return Number(text)
  throw new UsageError(`--${option} takes a whole number up to ${max}, not ${text}`)
}
