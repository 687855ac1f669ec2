import type { Subject } from '../ingest/subject.ts'
import type { Config } from './config.ts'
import { Timetable } from './timetable.ts'

/** What is loaded from where, and when. */
export interface Schedule {
  subject: string
  source: string
  timetable: Timetable
}

/** Of each subject that has a source, as it was configured, or as the subject itself says. */
export function schedulesOf(config: Config, subjects: Map<string, Subject>): Schedule[] {
  return [...subjects.values()].flatMap(({ name, schedule }) => {
    const source = config.sources.get(name)
    const cron = config.schedules.get(name) ?? schedule
    if (source === undefined || cron === undefined || cron === 'off') return []
    return [{ subject: name, source, timetable: new Timetable(cron, config.scheduleTimezone) }]
  })
}
