import t from 'tap'
import { MANY, Timetable, whyNoCronLine } from '../src/timetable.ts'

/** When something is due, by instants that were worked out by hand from the dates on which clocks change. */

const berlin = (line: string) => new Timetable(line, 'Europe/Berlin')
const last = (timetable: Timetable, after: string, until: string) => {
  const due = timetable.lastDue(new Date(after), new Date(until))
  return due && `${due.count} ${due.at.toISOString()}`
}

t.test('a time of day is kept, summer and winter', async (t) => {
  const monthly = berlin('0 7 1 * *')
  t.equal(last(monthly, '2026-02-20T00:00Z', '2026-03-20T00:00Z'), '1 2026-03-01T06:00:00.000Z')
  t.equal(last(monthly, '2026-03-20T00:00Z', '2026-04-20T00:00Z'), '1 2026-04-01T05:00:00.000Z')
  t.equal(last(monthly, '2026-01-15T00:00Z', '2026-11-15T00:00Z'), '10 2026-11-01T06:00:00.000Z')
  const daily = new Timetable('30 9 * * *', 'America/New_York')
  t.equal(last(daily, '2026-03-07T00:00Z', '2026-03-07T23:00Z'), '1 2026-03-07T14:30:00.000Z')
  t.equal(last(daily, '2026-03-08T00:00Z', '2026-03-08T23:00Z'), '1 2026-03-08T13:30:00.000Z')
  t.equal(
    last(new Timetable('15 6 * * *', 'Asia/Kathmandu'), '2026-05-01T00:00Z', '2026-05-02T00:00Z'),
    '1 2026-05-01T00:30:00.000Z',
  )
})

t.test('the next runs are at that time of day, summer and winter', async (t) => {
  // Clocks change on the last Sundays of March and October, so the first of April is in summer and the first of November in winter.
  const runs = berlin('0 7 1 * *').next(24)
  t.equal(runs.length, 24)
  for (const [index, run] of runs.entries()) {
    const month = run.getUTCMonth() + 1
    t.equal(run.toISOString().slice(8), month >= 4 && month <= 10 ? '01T05:00:00.000Z' : '01T06:00:00.000Z')
    if (index > 0) t.equal(month, (((runs[index - 1] as Date).getUTCMonth() + 1) % 12) + 1, 'none is left out')
  }
})

t.test('an hour that the clocks repeat counts once, and a time that they skip is not due', async (t) => {
  // 2026-10-25: after 02:59:59 summer time it is 02:00:00 again, at 01:00 UTC.
  const nightly = berlin('30 2 * * *')
  t.equal(last(nightly, '2026-10-24T12:00Z', '2026-10-25T12:00Z'), '1 2026-10-25T00:30:00.000Z')
  t.equal(last(nightly, '2026-10-25T00:30Z', '2026-10-25T12:00Z'), undefined)
  t.equal(
    nightly.firstOf(new Date('2026-10-25T01:30Z')).toISOString(),
    '2026-10-25T00:30:00.000Z',
    'whichever it fires at',
  )
  t.equal(nightly.firstOf(new Date('2026-10-25T00:30Z')).toISOString(), '2026-10-25T00:30:00.000Z')
  t.equal(nightly.firstOf(new Date('2026-10-25T02:30Z')).toISOString(), '2026-10-25T02:30:00.000Z')
  const often = berlin('*/20 * * * *')
  t.equal(last(often, '2026-10-24T23:59Z', '2026-10-25T01:59Z'), '3 2026-10-25T00:40:00.000Z')
  // 2026-03-29: after 01:59:59 it is 03:00:00, at 01:00 UTC.
  t.equal(last(nightly, '2026-03-28T12:00Z', '2026-03-29T12:00Z'), undefined)
  t.equal(last(nightly, '2026-03-28T12:00Z', '2026-03-30T12:00Z'), '1 2026-03-30T00:30:00.000Z')
  // In Lord Howe's clocks change by half an hour: 2026-04-05, 02:00 is 01:30 again, at 15:00 UTC the day before.
  const half = new Timetable('45 1 * * *', 'Australia/Lord_Howe')
  t.equal(last(half, '2026-04-04T12:00Z', '2026-04-05T12:00Z'), '1 2026-04-04T14:45:00.000Z')
})

t.test('the ends of a look back: what was due then is left out, what is due now is not', async (t) => {
  const seconds = new Timetable('*/10 * * * * *', 'UTC')
  t.equal(last(seconds, '2026-05-01T10:00:00Z', '2026-05-01T10:00:30Z'), '3 2026-05-01T10:00:30.000Z')
  t.equal(last(seconds, '2026-05-01T10:00:30Z', '2026-05-01T10:00:39.999Z'), undefined)
  t.equal(last(seconds, '2026-05-01T10:00:29.999Z', '2026-05-01T10:00:30Z'), '1 2026-05-01T10:00:30.000Z')
  t.equal(last(seconds, '2026-05-01T10:00:30Z', '2026-05-01T10:00:00Z'), undefined, 'a clock that was put back')
  t.equal(last(seconds, '2026-05-01T00:00Z', '2026-05-09T00:00Z'), `${MANY} 2026-05-09T00:00:00.000Z`)
  const yearly = new Timetable('0 0 1 1 *', 'UTC')
  t.equal(last(yearly, '2026-01-01T00:00Z', '2026-12-31T23:59Z'), undefined)
  t.equal(last(yearly, '2010-01-01T00:00Z', '2026-12-31T23:59Z'), '1 2026-01-01T00:00:00.000Z', 'a year back, no more')
})

t.test('of a line that is none it is said why', async (t) => {
  for (const line of ['0 7 1 * *', '*/2 * * * * *', '@monthly', '0 7 L * *', '0 7 * * mon#1', '0 7 1 jan,jul *'])
    t.equal(whyNoCronLine(line), undefined, line)
  t.equal(whyNoCronLine('61 7 1 * *'), '61 is no minute')
  t.equal(whyNoCronLine('0 7 32 * *'), '32 is no day of the month')
  t.equal(whyNoCronLine('0 0 L-30 2 *'), 'no day is like that')
  t.match(whyNoCronLine('0 7 1 *'), /5 or 6 fields/)
  t.match(whyNoCronLine('monthly!'), /illegal/)
})
