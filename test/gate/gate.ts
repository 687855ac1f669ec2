import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { ran } from '../bench/programs.ts'
import { type Figures, writeLimits } from './limits.ts'

/** Runs the gate; told to renew, as often as it takes to know its noise, and writes down what it has found. */

const { values: options } = parseArgs({
  options: { renew: { type: 'boolean', default: false }, runs: { type: 'string', default: '10' } },
})
const test = path.join(import.meta.dirname, '../gate.test.js')
const say = (text: string) => process.stdout.write(`${text}\n`)

if (options.renew) await renew(Number(options.runs))
else {
  const child = spawn(process.execPath, [test], { stdio: 'inherit' })
  child.once('exit', (code) => {
    process.exitCode = code ?? 1
  })
}

async function renew(runs: number): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'reelhouse-gate-'))
  const measured = path.join(folder, 'measured')
  try {
    for (let run = 0; run < runs; run++) {
      // Every other one beside other work, as much as there are processors.
      const others = run % 2 ? os.cpus().map(() => spawn(process.execPath, ['-e', 'for (;;);'])) : []
      const { seconds } = await ran(process.execPath, [test], { GATE_MEASURED: measured }).finally(() => {
        for (const other of others) other.kill()
      })
      say(`run ${run + 1} of ${runs}${run % 2 ? ', beside other work' : ''}: ${seconds.toFixed(0)} s`)
    }
    const found = (await readFile(measured, 'utf8')).trim().split('\n')
    const [cpu] = os.cpus()
    const where = `${os.cpus().length} × ${cpu?.model}, Node ${process.versions.node}`
    const when = new Date().toISOString().slice(0, 10)
    await writeLimits(
      found.map((line) => JSON.parse(line) as Figures),
      `${when}, ${runs} runs, every other one beside other work, on ${where}`,
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
