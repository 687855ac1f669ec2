import type { Subject } from '../subject.ts'
import { anime2016 } from './anime-2016.ts'
import { anime2020 } from './anime-2020.ts'
import { checks } from './checks.ts'
import { generate } from './generate.ts'
import { families, merge } from './merge.ts'

const anime: Subject = {
  name: 'anime',
  ingestVersion: 1,
  formats: [anime2020, anime2016],
  families,
  merge,
  checks,
  rollups: {},
  async rollUp() {},
  generate,
  schedule: '0 7 * * *',
}

export default anime
