import { type Subject, usualMode } from '../ingest/subject.ts'
import type { Config } from './config.ts'
import { Timetable } from './timetable.ts'

/** What is loaded from where, and when. */
export interface Schedule {
  subject: string
  source: string
  mode: 'replace' | 'merge'
  timetable: Timetable
}

/** Of each subject that has a source, as it was configured, or as the subject itself says. */
export function schedulesOf(config: Config, subjects: Map<string, Subject>): Schedule[] {
  return [...subjects.values()].flatMap((subject) => {
    const { name, schedule } = subject
    const source = config.sources.get(name)
    const cron = config.schedules.get(name) ?? schedule
    if (source === undefined || cron === undefined || cron === 'off') return []
    return [
      { subject: name, source, mode: usualMode(subject), timetable: new Timetable(cron, config.scheduleTimezone) },
    ]
  })
}
