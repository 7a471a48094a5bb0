/** One feedback on its way to ClickHouse: its rows, its record in the spool, and what a commit makes of several. */
import type { Observation } from '../../engine/index.ts'
import type { Batch, ClickHouse } from './client.ts'
import { RowBinary } from './row-binary.ts'
import { decisionTimeMs } from './rows/fields.ts'
import { groupObservations, OBSERVATION_COLUMNS, writeObservationGroup } from './rows/observations.ts'
import { REWARD_COLUMNS, writeReward } from './rows/rewards.ts'
import type { SpoolRecord } from './spool/record.ts'
import type { Place } from './spool/spool.ts'
import type { RewardRow } from './store.ts'

/** A row of either table, usually. */
const ROW_BYTES = 512
/** Bounds the question for known ids, which travels in a URL. */
const IDS_PER_QUERY_MAX = 100

export interface Entry {
  readonly rewardId: string
  readonly decisionId: string
  readonly atMs: number
  readonly rows: number
  readonly bytes: number
  /** Without tokens. Undefined: in the spool only. */
  parts: readonly Batch[] | undefined
  place: Place | undefined
  /** In the spool as a part of its commit. */
  isKept: boolean
  readonly durable: PromiseWithResolvers<void>
  /** Resolves when it is in ClickHouse, or given up. */
  readonly settled: PromiseWithResolvers<void>
}

export function entryOf(row: RewardRow, observations: readonly Observation[], replica: string): Entry {
  const reward = encodeRows([(to) => writeReward(row, to)])
  const groups = groupObservations(observations)
  const lessons = encodeRows(groups.map((group) => (to) => writeObservationGroup(group, replica, to)))
  const parts: Batch[] = [{ table: 'rewards', columns: REWARD_COLUMNS, rows: 1, token: '', body: reward }]
  if (groups.length > 0) {
    parts.push({
      table: 'observations',
      columns: OBSERVATION_COLUMNS,
      rows: groups.length,
      token: '',
      body: lessons,
    })
  }
  return {
    rewardId: row.rewardId,
    decisionId: row.decisionId,
    atMs: Date.now(),
    rows: 1 + groups.length,
    bytes: reward.length + lessons.length,
    parts,
    place: undefined,
    isKept: false,
    durable: Promise.withResolvers(),
    settled: Promise.withResolvers(),
  }
}

export function recordOf({ rewardId, decisionId, atMs, parts = [] }: Entry): SpoolRecord {
  const timeMs = decisionTimeMs(decisionId)
  return { class: 'rewards', atMs, fromMs: timeMs, toMs: timeMs, feedback: { rewardId, decisionId }, parts }
}

/** One batch for each table and list of columns, the rewards first; what another version wrote may have other columns. */
export function joinParts(parts: readonly Batch[], nextToken: () => string): Batch[] {
  const groups = Map.groupBy(parts, ({ table, columns }) => `${table} ${columns.join()}`)
  return [...groups.values()]
    .flatMap((group): Batch[] => {
      const [first] = group
      if (first === undefined) return []
      const { table, columns } = first
      const rows = group.reduce((sum, part) => sum + part.rows, 0)
      return [
        { table, columns, rows, token: nextToken(), body: Buffer.concat(group.map(({ body }) => body)) },
      ]
    })
    .sort((a, b) => Number(b.table === 'rewards') - Number(a.table === 'rewards'))
}

export async function knownRewardIds(
  clickhouse: Pick<ClickHouse, 'query'>,
  entries: readonly Entry[],
): Promise<Set<string>> {
  const known = new Set<string>()
  for (let from = 0; from < entries.length; from += IDS_PER_QUERY_MAX) {
    const some = entries.slice(from, from + IDS_PER_QUERY_MAX)
    const rows = await clickhouse.query(
      `SELECT reward_id FROM rewards
     WHERE decision_ts IN (SELECT fromUnixTimestamp64Milli(arrayJoin({times:Array(Int64)}), 'UTC'))
       AND reward_id IN {ids:Array(String)}`,
      {
        times: [...new Set(some.map((entry) => decisionTimeMs(entry.decisionId)))],
        ids: some.map((entry) => entry.rewardId),
      },
    )
    for (const row of rows) known.add(String(row['reward_id']))
  }
  return known
}

function encodeRows(rows: readonly ((to: RowBinary) => void)[]): Uint8Array {
  const encoded = new RowBinary(ROW_BYTES)
  for (const encode of rows) encode(encoded)
  return encoded.take()
}
