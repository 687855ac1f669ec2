import { buildApp } from './app.ts'
import { readConfig } from './config.ts'
import { Ear } from './ear.ts'
import { loadReports } from './reports.ts'
import { Runner } from './runner.ts'
import { Snapshots } from './snapshots.ts'
import { loadSubjects } from './subjects.ts'
import { Sweeper } from './sweeper.ts'
import type { Warehouse } from './warehouse.ts'

/** The OpenAPI document as the committed openapi.yaml has it: of the whole program, without a warehouse or any setting. */
export async function openapiYaml(): Promise<string> {
  const subjects = await loadSubjects()
  const warehouse = unopened()
  const sweeper = new Sweeper(warehouse, subjects, () => {})
  const ear = new Ear(warehouse, () => {})
  const nobody = { file: undefined, authenticate: () => 'nobody' }
  const app = await buildApp({
    config: readConfig(subjects.keys(), {}),
    subjects,
    reports: await loadReports(),
    warehouse,
    snapshots: new Snapshots(warehouse, ear),
    ear,
    runner: new Runner(warehouse, () => {}),
    sweeper,
    tokens: nobody,
  })
  await app.ready()
  const yaml = app.swagger({ yaml: true })
  await app.close()
  await sweeper.close()
  return yaml
}

/** Stands where a warehouse is asked for but none is used; whoever uses it learns so. */
function unopened(): Warehouse {
  return new Proxy({} as Warehouse, {
    get() {
      throw new Error('This document is made without a warehouse.')
    },
  })
}
