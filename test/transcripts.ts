import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** A command of README.md with what it prints. */
export interface Transcript {
  command: string
  output: string
}

const FENCE = /```console\n\$ (.+)\n([\s\S]*?)```/g

export const transcriptsOf = (readme: string): Transcript[] =>
  [...readme.matchAll(FENCE)].map(([, command, output]) => ({ command: command as string, output: output as string }))

/** Runs the command against the given address instead of the README's. */
export async function run({ command }: Transcript, address: string): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-c', command.replaceAll('http://127.0.0.1:3000', address)])
  return stdout.endsWith('\n') ? stdout : `${stdout}\n`
}

/** What differs from run to run: instants, and the number of a request. */
export const comparable = (output: string) =>
  output
    .replaceAll('\r', '')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-11-21T07:00:00.000Z')
    .replace(/"req-\w+"/g, '"req-1"')

/** The README with each transcript as it is now; one that was not run stays. */
export function rewritten(readme: string, outputs: Map<string, string>): string {
  return readme.replace(
    FENCE,
    (_, command: string, output: string) =>
      `\`\`\`console\n$ ${command}\n${comparable(outputs.get(command) ?? output)}\`\`\``,
  )
}
