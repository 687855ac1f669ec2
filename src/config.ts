import { readFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { programFolder } from './discover.ts'
import { isTimeZone, whyNoCronLine } from './timetable.ts'

/**
 * The only place that reads the environment. What a variable means and takes stands beside its name; a wrong value stops the
 * start with a sentence.
 */

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)
const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `takes a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min, `takes at least ${min}`).max(max, `takes at most ${max}`))

const token = z.string().min(16, 'takes a token of at least 16 characters')
const namedTokens = list.transform((items, context) =>
  items.map((item) => {
    const [, name, secret] = /^([\w.-]+):(.{16,})$/.exec(item) ?? []
    if (name && secret) return { name, token: secret }
    context.addIssue({ code: 'custom', message: 'takes name:token,name:token with tokens of at least 16 characters' })
    return z.NEVER
  }),
)

const environment = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: integer(0, 65535).default(3000),
  DATA_DIR: z
    .string()
    .default('./.reelhouse')
    .transform((folder) => path.resolve(folder)),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'takes a URL of the form postgres://user:password@host:5432/database')
    .optional(),
  ADMIN_TOKEN: token.optional(),
  ADMIN_TOKENS: namedTokens.default([]),
  SOURCE_ROOTS: list.default([]).transform((folders) => folders.map((folder) => path.resolve(folder))),
  SOURCE_HOSTS: list.default([]),
  SOURCE_MAX_MB: integer(1, 10_000_000).default(20_000),
  SOURCE_TIMEOUT_MINUTES: integer(1, 10_000).default(120),
  S3_ENDPOINT: z
    .string()
    .regex(/^https?:\/\/[^/]/, 'takes a URL of the form https://host:port')
    .refine((url) => URL.canParse(url), 'takes a URL of the form https://host:port')
    .optional(),
  S3_REGION: z
    .string()
    .regex(/^[\w-]+$/, 'takes a region such as us-east-1')
    .default('us-east-1'),
  RETAIN_LOADS: integer(1, 10_000).default(13),
  SCHEDULE_TIMEZONE: z.string().refine(isTimeZone, 'takes the name of a time zone: UTC, Europe/Berlin').default('UTC'),
  SAMPLE: z.enum(['on', 'off'], 'takes on or off').default('on'),
  CORS_ORIGINS: list.default(['*']),
  STATEMENT_TIMEOUT_MS: integer(100, 3_600_000).default(30_000),
  POOL_SIZE: integer(1, 200).default(10),
  CACHE_MB: integer(0, 65_536).default(128),
  LOG_LEVEL: z
    .enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'takes fatal, error, warn, info, debug, trace or silent',
    )
    .default('info'),
})

export interface Config {
  host: string
  port: number
  /** Folder of the embedded warehouse and of the admin's token. */
  dataDir: string
  /** A PostgreSQL of the user's own; undefined: embedded. */
  databaseUrl: string | undefined
  adminTokens: { name: string; token: string }[]
  /** Default source by subject. */
  sources: Map<string, string>
  /** Cron line by subject, or `off`; a subject that is not named here keeps to its own. */
  schedules: Map<string, string>
  /** In which cron lines are read. */
  scheduleTimezone: string
  /** Folders and hosts that an admin's request may name as a source; these hosts alone may have private addresses. */
  sourceRoots: string[]
  sourceHosts: string[]
  /** The most, in 10^6 bytes, that a load fetches, and the most that it unpacks. */
  sourceMaxMb: number
  /** The longest that a load waits for the servers of its source, in all. */
  sourceTimeoutMinutes: number
  /** An S3-compatible server; undefined: Amazon's. Credentials are found as AWS's own tools find them. */
  s3Endpoint: string | undefined
  s3Region: string
  /** Snapshots of a subject that are kept. */
  retainLoads: number
  sample: boolean
  corsOrigins: string[]
  statementTimeoutMs: number
  poolSize: number
  cacheMb: number
  logLevel: string
}

/** A wrong setting; the message names the variable and what it takes. */
export class ConfigError extends Error {}

/**
 * Reads the settings.
 * @param subjects names of the subjects, each of which has `<SUBJECT>_SOURCE` and `<SUBJECT>_SCHEDULE`
 * @throws ConfigError
 */
export function readConfig(subjects: Iterable<string>, env: NodeJS.ProcessEnv = process.env): Config {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const result = environment.safeParse(present)
  const wrong = (result.error?.issues ?? []).map(({ path: [name], message }) => `${String(name)} ${message}`)
  const names = [...subjects]
  const bySubject = (setting: string) =>
    new Map(
      names.flatMap((subject) => {
        const value = present[`${subject.toUpperCase()}_${setting}`]
        return value ? [[subject, value]] : []
      }),
    )
  const sources = bySubject('SOURCE')
  const schedules = bySubject('SCHEDULE')
  for (const [subject, line] of schedules) {
    const name = subject.toUpperCase()
    const why = line === 'off' ? undefined : whyNoCronLine(line)
    if (why)
      wrong.push(`${name}_SCHEDULE takes a cron line (0 7 1 * *: at 7:00 on the first of each month) or off; ${why}`)
    else if (line !== 'off' && !sources.has(subject))
      wrong.push(`${name}_SCHEDULE takes ${name}_SOURCE to load from, which is not set`)
  }
  if (!result.success || wrong.length > 0)
    throw new ConfigError(`${wrong.join('; ')}. README.md explains each setting.`)
  const settings = result.data
  return {
    host: settings.HOST,
    port: settings.PORT,
    dataDir: settings.DATA_DIR,
    databaseUrl: settings.DATABASE_URL,
    adminTokens: [
      ...(settings.ADMIN_TOKEN ? [{ name: 'admin', token: settings.ADMIN_TOKEN }] : []),
      ...settings.ADMIN_TOKENS,
    ],
    sources,
    schedules,
    scheduleTimezone: settings.SCHEDULE_TIMEZONE,
    sourceRoots: settings.SOURCE_ROOTS,
    sourceHosts: settings.SOURCE_HOSTS,
    sourceMaxMb: settings.SOURCE_MAX_MB,
    sourceTimeoutMinutes: settings.SOURCE_TIMEOUT_MINUTES,
    s3Endpoint: settings.S3_ENDPOINT,
    s3Region: settings.S3_REGION,
    retainLoads: settings.RETAIN_LOADS,
    sample: settings.SAMPLE === 'on',
    corsOrigins: settings.CORS_ORIGINS,
    statementTimeoutMs: settings.STATEMENT_TIMEOUT_MS,
    poolSize: settings.POOL_SIZE,
    cacheMb: settings.CACHE_MB,
    logLevel: settings.LOG_LEVEL,
  }
}

/** The program's version, from its package.json. */
export function programVersion(): string {
  const text = readFileSync(path.join(programFolder, 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
