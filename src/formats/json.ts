import type { Format } from '../format.ts'

export const json: Format = {
  name: 'json',
  title: 'JSON',
  mediaType: 'application/json',
  contentType: 'application/json; charset=utf-8',
  binary: false,
  mostRows: 1000,
  tellsMeta: true,
  line: 'json',
  separator: ',\n',
  page({ rows, lines, total, members }, { served, snapshot, count }, next) {
    const load = { id: snapshot.id, published_at: snapshot.published_at, data_through: snapshot.data_through }
    if (served.single) return `{"data":${lines},\n"meta":${withTold({ report: served.shownName, load }, members)}}\n`
    const meta = { report: served.shownName, load, rows, complete: next === null, next, ...(count ? { total } : {}) }
    return `{"data":[${lines ?? ''}],\n"meta":${withTold(meta, members)}}\n`
  },
}

/** `meta` with what PostgreSQL wrote of it, so that no digit is lost. */
function withTold(meta: object, members: (string | null)[]): string {
  const told = members.filter((member) => member !== null).map((member) => `,${member.slice(1, -1)}`)
  return `${JSON.stringify(meta).slice(0, -1)}${told.join('')}}`
}
