import type { Subject } from '../subject.ts'
import { checks } from './checks.ts'
import { generate } from './generate.ts'
import { logs } from './logs.ts'
import { merge, removeRepeated } from './merge.ts'
import { songs } from './songs.ts'
import { sparkify } from './sparkify.ts'

const music: Subject = {
  name: 'music',
  ingestVersion: 1,
  formats: [sparkify],
  families: [logs, songs],
  merge,
  checks,
  rollups: {},
  async rollUp() {},
  generate,
  // Logs grow all the time.
  schedule: '0 * * * *',
  appendOnly: { removeRepeated },
}

export default music
