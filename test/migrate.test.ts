import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { readConfig } from '../src/config.ts'
import { migrate } from '../src/migrate.ts'
import { loadSubjects } from '../src/subjects.ts'
import { openWarehouse } from '../src/warehouse.ts'
import { emptyDatabase } from './build.ts'

t.test('a table that a load uses is waited for, and nobody else waits meanwhile', async (t) => {
  const subjects = await loadSubjects()
  const warehouse = await openWarehouse(readConfig(subjects.keys(), { DATABASE_URL: await emptyDatabase(t) }))
  t.teardown(() => warehouse.close())
  await migrate(warehouse, '2026-11-28.6-tables-of-loads-again')
  const [load, other] = [await warehouse.connect('load'), await warehouse.connect('other')]
  t.teardown(() => Promise.all([load.end(), other.end()]))
  // As a load's transaction has it, by a foreign key.
  await load.query('begin; lock table reelhouse.load in row share mode')
  const migrating = migrate(warehouse)
  await other.query('set statement_timeout = 2500')
  for (let time = 0; time < 12; time++) {
    await other.query('update reelhouse.load set stage = stage')
    await sleep(250)
  }
  await load.query('commit')
  t.match(await migrating, ['2026-11-28.7-rollups-by-name', '2026-11-28.8-split-rollup'])
  t.strictSame(await migrate(warehouse), [])
})
