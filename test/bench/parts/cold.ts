import { ROLLUP_TABLES } from '../../../queries/movies/parts/cell-rows.ts'
import { type Report, scopeOf } from '../../../queries/report.ts'
import { quantile } from '../rounds.ts'
import { type Setting, show } from '../setting.ts'

/**
 * How long one asker waits for a page of which nothing is kept: one question after the other, so that nobody waits for anybody else.
 * A hundred askers at once are `throughput.ts`'s affair.
 */

/** Questions of every report, each of which a dashboard or an analyst asks sooner or later. */
export const QUESTIONS = [
  'company-years',
  'company-years?sort=-revenue',
  'company-years?sort=-roi',
  'company-years?sort=company',
  'company-years?company_id=1',
  'company-years?from=1995&to=1995&sort=-revenue',
  'company-years?sort=-revenue&count=exact',
  'company-years?aggregate=mean&sort=-revenue',
  'company-years?grain=decade&sort=-revenue',
  'company-years?grain=month&sort=-revenue',
  'company-years?aggregate=median&sort=-revenue',
  'company-years?min_votes=100&sort=-revenue',
  'company-years?genre_id=18&sort=-revenue',
  'company-years?attribution=split&sort=-revenue',
  'company-genre-years?sort=-revenue',
  'company-genre-years?company_id=1,2,3',
  'company-genre-years?grain=decade&sort=-revenue',
  'genre-years?sort=-profit',
  'genre-years?grain=month',
  'genre-years?aggregate=median',
  'genre-years?company_id=1',
  'years',
  'years?grain=month',
  'years?company_id=1',
  'years?aggregate=median',
  'collection-years?sort=-revenue',
  'country-years?sort=-revenue',
  'language-years?sort=-revenue',
  'content-rating-years',
  'person-years?sort=-revenue',
  'person-years?job=cast&sort=-revenue',
  'companies',
  'companies?sort=-revenue',
  'companies?q=pictures',
  'genres',
  'rankings?from=2010',
  'rankings',
  'rankings?dimension=genre',
  'top-films',
  'top-films?by=company',
  'roi',
  'roi?by=company',
  'ratings',
  'ratings?by=genre',
  'films',
  'films?sort=-revenue',
  'films?company_id=1',
  'films?q=love',
]

/** How often each is asked. */
const TIMES = 20

export async function cold({ asked: { films }, reports, loaded, served, row }: Setting): Promise<void> {
  const [few, many] = films > 100_000 ? ['≤ 100 ms', 'shown'] : ['≤ 50 ms', '≤ 300 ms']
  await served({ CACHE_MB: '0' }, async ({ url }) => {
    for await (const { question, p50, p95, status } of waits(url, TIMES)) {
      const [name = '', query = ''] = question.split('?')
      const report = reports.get(`movies/${name}`) as Report
      const { sort, count, ...asked } = Object.fromEntries(new URLSearchParams(query))
      const from = report.addedUpFrom?.(scopeOf(loaded.id, { rollups: ROLLUP_TABLES }), report.params.parse(asked))
      // With `attribution`, rows are reconciled with all films.
      const isReconciled = asked.attribution !== undefined
      const isKept = from?.startsWith('movies.rollup') && !isReconciled
      const isFew = isKept || asked.company_id !== undefined
      const source = isReconciled ? 'reconciled with all films' : 'from films'
      const waited = status === 200 ? `p95 ${show(p95)} ms (p50 ${show(p50)})` : `answered with ${status}`
      row(`cold: ${question}`, waited, isFew ? 'from a rollup, or of few ids' : source, '', isFew ? few : many)
    }
  })
}

export interface Waited {
  question: string
  /** Milliseconds. */
  p50: number
  p95: number
  /** 200; or what came instead, which was not timed. */
  status: number
}

/** Asks each question `times` times, but no longer than half a minute. */
export async function* waits(url: string, times: number): AsyncGenerator<Waited> {
  for (const question of QUESTIONS) {
    const ask = async () => {
      const askedAt = performance.now()
      const answer = await fetch(`${url}/v1/movies/${question}`)
      await answer.arrayBuffer()
      return { status: answer.status, ms: performance.now() - askedAt }
    }
    const { status } = await ask()
    const waited: number[] = []
    const until = performance.now() + 30_000
    while (status === 200 && waited.length < times && (waited.length < 2 || performance.now() < until)) {
      const { status, ms } = await ask()
      if (status !== 200) throw new Error(`${question} was answered with ${status}`)
      waited.push(ms)
    }
    yield { question, p50: quantile(waited, 0.5), p95: quantile(waited, 0.95), status }
  }
}
