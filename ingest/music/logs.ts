import { sql, type Transaction } from 'kysely'
import { recordColumns } from '../keep-last.ts'
import type { Family, MergeScope } from '../subject.ts'
import { enterRepeats, shows } from './repeats.ts'

/** Something that a user did, or somebody who was not logged in. */
export interface Logged {
  startTime: string
  /** `NextSong`: a play. */
  page: string
  userId: number | null
  firstName: string | null
  lastName: string | null
  gender: string | null
  registeredAt: string | null
  level: 'free' | 'paid' | null
  sessionId: number
  itemInSession: number
  location: string | null
  userAgent: string | null
  agentFamily: string | null
  auth: string | null
  method: string | null
  status: string | null
  song: string | null
  artist: string | null
  /** Seconds. */
  length: string | null
}

export const logs: Family<Logged> = {
  name: 'logs',
  facts: [],
  heavyFacts: [],
  // In the order in which their rows can go.
  dimensions: ['song_match', 'songplay', 'event', 'user'],
  stageTables: {
    stage_log: {
      ...recordColumns,
      start_time: 'timestamptz',
      page: 'text',
      user_id: 'bigint',
      first_name: 'text',
      last_name: 'text',
      gender: 'text',
      registered_at: 'timestamptz',
      level: 'text',
      session_id: 'bigint',
      item_in_session: 'integer',
      location: 'text',
      user_agent: 'text',
      agent_family: 'text',
      auth: 'text',
      method: 'text',
      status: 'smallint',
      song: 'text',
      artist: 'text',
      length: 'numeric',
    },
  },
  anyIdSpace: false,
  stage(stager, logged, { record, fileNo, line, digest }) {
    stager.add('stage_log', [
      record,
      fileNo,
      line,
      digest,
      logged.startTime,
      logged.page,
      logged.userId,
      logged.firstName,
      logged.lastName,
      logged.gender,
      logged.registeredAt,
      logged.level,
      logged.sessionId,
      logged.itemInSession,
      logged.location,
      logged.userAgent,
      logged.agentFamily,
      logged.auth,
      logged.method,
      logged.status,
      logged.song,
      logged.artist,
      logged.length,
    ])
  },
}

/** What an event is known by. A log that is written anew, or longer, has the same ones. */
const KEY = sql`session_id, item_in_session, start_time`

const named = sql`format('item %s of session %s at %s', found.item_in_session, found.session_id,
  to_char(found.start_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`

/** Whether event `found` is the same as `before`, which readers of these loads see. */
const isShown = (shown: string) => sql<boolean>`${shows('before.load_id', shown)}
  and (before.session_id, before.item_in_session, before.start_time) = (found.session_id, found.item_in_session, found.start_time)`

/** How the ledger tells that. */
const toldAsShown = sql`case when found.digest = before.digest then 'identical' else 'superseded' end as code,
  format('%s is in load %s already%s', ${named}, before.load_id,
         case when found.digest = before.digest then ', the same' else ', with other values; that one is kept' end) as reason`

const COMMON = sql`start_time, hour, user_id, level, session_id, item_in_session, location, user_agent, agent_family, digest,
  source_load_id, source_file_no, source_line`

/** Events that readers do not see yet: of those with one key the first one read. @returns rows by table */
export async function addEvents(trx: Transaction<unknown>, scope: MergeScope): Promise<Record<string, number>> {
  // Each repeat beside the first of its key; by their key, as no other column tells which belong together.
  await sql`
    create temporary table repeated_log on commit drop as
    select * from (
      select record, file_no, line, digest, ${KEY}, first_value(record) over own as first_record, first_value(file_no) over own as first_file_no,
             first_value(line) over own as first_line, first_value(digest) over own as first_digest
      from stage_log window own as (partition by ${KEY} order by record)) as placed
    where record <> first_record`.execute(trx)
  await enterRepeats(
    trx,
    scope,
    sql`
      select found.file_no, line, case when digest = first_digest then 'identical' else 'superseded' end as code,
             format('%s stands already at line %s of %s%s', ${named}, first_line, file.name,
                    case when digest = first_digest then ', the same' else ', with other values; the first one is kept' end) as reason
      from repeated_log found
      join reelhouse.load_file file on file.load_id = ${scope.loadId} and file.file_no = first_file_no`,
  )
  await sql`
    create temporary table kept_log on commit drop as
    select record, file_no, line, digest, ${KEY} from stage_log where record not in (select record from repeated_log)`.execute(
    trx,
  )
  await sql`analyze kept_log`.execute(trx)
  await enterRepeats(
    trx,
    scope,
    sql`
      delete from kept_log found using music.logged before
      where ${isShown(scope.shown)}
      returning found.file_no, found.line, ${toldAsShown}`,
  )
  const kept = sql`
    (select *, date_trunc('hour', start_time, 'UTC') as hour, ${scope.sourceLoadId}::integer as source_load_id, file_no as source_file_no,
            line as source_line
     from stage_log where record in (select record from kept_log)) as kept`
  // Others may add the same hours; who comes later waits for them, and has nothing to add.
  await sql`insert into music.time (hour) select distinct hour from ${kept} order by hour on conflict do nothing`.execute(
    trx,
  )
  const { numAffectedRows: songplay } = await sql`
    insert into music.songplay (load_id, song, artist, length, ${COMMON})
    select ${scope.loadId}::integer, song, artist, length, ${COMMON} from ${kept} where page = 'NextSong' order by start_time, session_id, item_in_session`.execute(
    trx,
  )
  const { numAffectedRows: event } = await sql`
    insert into music.event (load_id, page, auth, method, status, ${COMMON})
    select ${scope.loadId}::integer, page, auth, method, status, ${COMMON} from ${kept} where page <> 'NextSong' order by start_time, session_id, item_in_session`.execute(
    trx,
  )
  // Also of who is as before, as what comes late may tell of a time between.
  const { numAffectedRows: user } = await sql`
    insert into music.user (load_id, user_id, first_name, last_name, gender, registered_at, told_at)
    select ${scope.loadId}::integer, told.*
    from (select distinct on (user_id) user_id, first_name, last_name, gender, registered_at, start_time
          from ${kept} where user_id is not null order by user_id, start_time desc, session_id desc, item_in_session desc) as told
    where not exists (
      select from music.user before
      where ${shows('before.load_id', scope.shown)} and before.user_id = told.user_id and before.told_at >= told.start_time)`.execute(
    trx,
  )
  return { songplay: Number(songplay ?? 0), event: Number(event ?? 0), user: Number(user ?? 0) }
}

/** Takes away what others show meanwhile. @returns rows by table */
export async function removeEvents(
  trx: Transaction<unknown>,
  { loadId, shown }: { loadId: number; shown: string },
): Promise<Record<string, number>> {
  const removed: Record<string, number> = {}
  for (const table of ['songplay', 'event']) {
    const own = sql.table(`music.${table}`)
    removed[table] = await enterRepeats(
      trx,
      { loadId },
      sql`
        delete from ${own} found using music.logged before
        where found.load_id = ${loadId} and ${isShown(shown)}
        returning found.source_file_no as file_no, found.source_line as line, ${toldAsShown}`,
    )
  }
  // Whoever was told of by what is gone is told of by what others show.
  const { numAffectedRows: user } = await sql`
    delete from music.user told
    where told.load_id = ${loadId} and not exists (
      select from music.logged where logged.load_id = ${loadId} and logged.user_id = told.user_id and logged.start_time = told.told_at)`.execute(
    trx,
  )
  return { ...removed, user: Number(user ?? 0) }
}
