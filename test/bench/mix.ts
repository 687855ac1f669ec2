import { setTimeout as sleep } from 'node:timers/promises'
import { quantile, random } from './rounds.ts'

/**
 * What a hundred analysts ask in a day, faster: reports, companies and years by Zipf's law, one in twenty a whole export, one in ten a
 * dashboard that asks whether anything has changed. Requests begin when they are due, whether or not earlier ones are answered,
 * and count from then: who waits for a slow server waits in these figures too.
 */

export interface MixResult {
  /** But for exports. */
  requests: number
  exports: number
  p50: number
  p99: number
  /** Requests that failed, with why, by number. */
  errors: Map<string, number>
  /** Answers whose figures are of another load than their header says. */
  mixed: number
  notModified: number
  /** Loads that answers came from. */
  loads: Set<string>
}

/** An answer with rows. */
export interface Heard {
  path: string
  /** As its header names it: `movies=7`. */
  version: string
  text: string
  /** As they went over the wire; undefined for what came as it was made. */
  bytes: number | undefined
}

export interface MixOptions {
  seconds: number
  /** Requests that begin a second, at random moments. */
  perSecond: number
  seed: number
  companies: number
  /** The mix is over when this is. */
  while?: Promise<unknown>
  /** Told of every answer with rows. */
  hear?: (heard: Heard) => void
}

export async function mix(url: string, options: MixOptions): Promise<MixResult> {
  const next = random(options.seed)
  const times: number[] = []
  const result: MixResult = {
    requests: 0,
    exports: 0,
    p50: 0,
    p99: 0,
    errors: new Map(),
    mixed: 0,
    notModified: 0,
    loads: new Set(),
  }
  const tags = new Map<string, Tag>()
  const running = new Set<Promise<void>>()
  let over = false
  options.while?.finally(() => {
    over = true
  })
  const startedAt = performance.now()
  let due = startedAt
  while (!over && due < startedAt + options.seconds * 1000) {
    due += (-Math.log(1 - next()) / options.perSecond) * 1000
    const wait = due - performance.now()
    if (wait > 0) await sleep(wait)
    const ask = question(next, options.companies)
    const begun = due
    const one = answered(url, ask, tags, result, options.hear)
      .catch((error: Error) => {
        const why = error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
        result.errors.set(why, (result.errors.get(why) ?? 0) + 1)
      })
      .finally(() => {
        // How long a whole export takes is its reader's affair.
        if (ask.export) result.exports += 1
        else times.push(performance.now() - begun)
        running.delete(one)
      })
    running.add(one)
  }
  await Promise.all(running)
  result.requests = times.length
  result.p50 = quantile(times, 0.5)
  result.p99 = quantile(times, 0.99)
  return result
}

interface Asked {
  path: string
  export: boolean
  conditional: boolean
}

const REPORTS = [
  'company-years',
  'genre-years',
  'years',
  'companies',
  'rankings',
  'top-films',
  'company-genre-years',
  'country-years',
  'films',
  'language-years',
]
const SORTS = ['', '-revenue', '-profit', '-releases', '-budget']

function question(next: () => number, companies: number): Asked {
  const zipf = (among: number) => Math.floor(Math.exp(next() * Math.log(among + 1))) - 1
  if (next() < 0.05) return { path: '/v1/movies/company-years?format=csv', export: true, conditional: false }
  const report = REPORTS[zipf(REPORTS.length)] as string
  const params = new URLSearchParams()
  if (['company-years', 'company-genre-years', 'films'].includes(report) && next() < 0.6)
    params.set('company_id', String(1 + zipf(companies)))
  else if (report.endsWith('years') && next() < 0.5) params.set('from', String(2017 - zipf(80)))
  const sort = SORTS[zipf(SORTS.length)] as string
  if (sort && report.endsWith('years')) params.set('sort', sort)
  const query = params.size > 0 ? `?${params}` : ''
  return { path: `/v1/movies/${report}${query}`, export: false, conditional: next() < 0.1 }
}

/** What a dashboard keeps of an answer, to ask whether anything has changed. */
interface Tag {
  etag: string
  version: string
}

async function answered(
  url: string,
  asked: Asked,
  tags: Map<string, Tag>,
  result: MixResult,
  hear?: (heard: Heard) => void,
): Promise<void> {
  const tag = asked.conditional ? tags.get(asked.path) : undefined
  const answer = await fetch(url + asked.path, tag ? { headers: { 'if-none-match': tag.etag } } : {})
  const text = await answer.text()
  const version = String(answer.headers.get('data-version'))
  if (answer.status === 304) {
    result.notModified += 1
    if (version !== tag?.version) result.mixed += 1
    return
  }
  if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.parse(text).detail}`)
  result.loads.add(version)
  tags.set(asked.path, { etag: String(answer.headers.get('etag')), version })
  if (!asked.export && `movies=${JSON.parse(text).meta.load.id}` !== version) result.mixed += 1
  const length = answer.headers.get('content-length')
  hear?.({ path: asked.path, version, text, bytes: length === null ? undefined : Number(length) })
}
