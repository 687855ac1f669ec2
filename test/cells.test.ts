import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { z } from 'zod'
import { calendarDate, decimal, isoDate, requiredId, requiredKey } from '../ingest/cells.ts'

/** Cells one by one, where files would have to be many to meet them. */

const inCalendar = (text: string) => {
  const day = new Date(`${text}T00:00:00Z`)
  return !text.startsWith('0000') && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}
const digits = (length: number, max: number) =>
  fc.integer({ min: 0, max }).map((value) => String(value).padStart(length, '0'))
const dateText = fc.tuple(digits(4, 9999), digits(2, 14), digits(2, 33)).map((parts) => parts.join('-'))
const monthEnds = fc.tuple(
  fc.constantFrom('0000', '0001', '0004', '1700', '1896', '1900', '1999', '2000', '2023', '2024', '2100', '9999'),
  digits(2, 13),
  fc.constantFrom('00', '01', '27', '28', '29', '30', '31', '32'),
)

t.test('a date is one that the calendar has', async () => {
  fc.assert(
    fc.property(
      fc.oneof(
        dateText,
        monthEnds.map((parts) => parts.join('-')),
      ),
      (text) => {
        const read = isoDate.safeParse(text)
        assert.equal(read.success ? read.data : null, inCalendar(text) ? text : null)
        const [year, month, day] = text.split('-').map(Number) as [number, number, number]
        assert.equal(calendarDate(year, month, day), inCalendar(text) ? text : null)
      },
    ),
    { numRuns: 2000 },
  )
})

t.test('a cell is blank, read, or complained of once', async (t) => {
  const record = z.object({ id: requiredId, name: requiredKey, date: isoDate, number: decimal({ min: 0, max: 10 }) })
  const complaints = (cells: Record<string, unknown>) =>
    record.safeParse(cells).error?.issues.map((issue) => [issue.path[0], issue.code === 'custom' && issue.params?.code])
  t.same(record.parse({ id: ' 862.0 ', name: 'Otter ' }), { id: 862, name: 'Otter', date: null, number: null })
  t.same(record.parse({ id: 7, name: 'Otter', date: ' 2024-02-29', number: '1e-3' }), {
    id: 7,
    name: 'Otter',
    date: '2024-02-29',
    number: '1e-3',
  })
  t.same(complaints({ name: ' ', date: '2023-02-29', number: '1e-41' }), [
    ['id', 'missing'],
    ['name', 'missing'],
    ['date', 'bad_date'],
    ['number', 'number_out_of_range'],
  ])
  t.same(complaints({ id: {}, name: 'o'.repeat(401), date: '29-02-2024', number: 'ten' }), [
    ['id', 'not_text'],
    ['name', 'too_long'],
    ['date', 'bad_date'],
    ['number', 'bad_number'],
  ])
})
