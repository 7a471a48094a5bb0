/**
 * What happened in a span of time, by arm, class, tenant and time: for dashboards. Three logs are read straight and joined by
 * the key they share; a rollup by all four keys was measured to have about as many rows as the traffic itself (docs/storage.md).
 */
import type { ClickHouse, QueryParams, Row } from '../client.ts'
import { readNumber, readText } from '../rows/fields.ts'
import { REWARD_ORDER } from '../rows/rewards.ts'
import { StoreError, type TrafficGroup, type TrafficQuery, type TrafficStats } from '../store.ts'

/** More groups than anybody looks at. */
export const GROUPS_MAX = 10_000

const IN_SPAN = `decision_ts >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
  AND decision_ts < fromUnixTimestamp64Milli({to:Int64}, 'UTC')`

/** On a cluster a decision's rows share a shard, and are joined there; both sides are sorted by the key already. */
const JOINED = "SETTINGS distributed_product_mode = 'local', join_algorithm = 'full_sorting_merge'"

const KEYS = {
  arm: 'd.arm',
  class: 'd.request_class',
  tenant: 'd.tenant',
} as const

/** @throws {StoreError} `store_bad_query` for more than {@link GROUPS_MAX} groups */
export async function trafficStats(
  clickhouse: Pick<ClickHouse, 'query'>,
  query: TrafficQuery,
): Promise<TrafficStats> {
  const params: QueryParams = {
    from: Math.ceil(query.fromMs),
    to: Math.ceil(query.toMs),
    arms: query.arms ?? [],
    classes: query.classes ?? [],
    tenants: query.tenants ?? [],
    baseline: query.baseline ?? '',
    limit: GROUPS_MAX + 1,
  }
  const keys = groupKeys(query)
  const run = (sql: string): Promise<Row[]> => clickhouse.query(sql, params)
  const [decided, called, judged, compared] = await Promise.all([
    run(decidedSql(keys)),
    run(calledSql(keys)),
    run(judgedSql(keys)),
    query.baseline === undefined ? [] : run(comparedSql(keys)),
  ])
  if (decided.length > GROUPS_MAX) {
    throw new StoreError(
      'store_bad_query',
      `more than ${GROUPS_MAX} groups; ask for a shorter span, fewer keys or longer buckets`,
    )
  }
  const by = (rows: readonly Row[]): Map<string, Row> => new Map(rows.map((row) => [keyOf(row, keys), row]))
  const [calls, judgements, comparisons] = [by(called), by(judged), by(compared)]
  const cells = cellTotals(decided, query)
  return {
    groups: decided.map((row): TrafficGroup => {
      const key = keyOf(row, keys)
      const decisions = readNumber(row, 'decisions')
      return {
        ...identity(row, query),
        decisions,
        // Without keys there is a group even where there is no decision.
        share: decisions === 0 ? 0 : decisions / (cells.get(cellOf(row, query)) ?? decisions),
        ...callsOf(calls.get(key)),
        ...judgementsOf(judgements.get(key)),
        baseline:
          query.baseline === undefined ? undefined : comparisonOf(query.baseline, comparisons.get(key)),
      }
    }),
  }
}

interface Keys {
  /** `d.arm AS arm, …` */
  readonly select: string
  /** `arm, …`; empty: all together. */
  readonly names: readonly string[]
}

function groupKeys({ groupBy, bucketMs }: TrafficQuery): Keys {
  const seconds = Math.round(bucketMs / 1_000)
  const expressions = groupBy.map((key) =>
    key === 'time'
      ? `toUnixTimestamp(toStartOfInterval(d.decision_ts, toIntervalSecond(${seconds}), toDateTime64(0, 3, 'UTC'))) AS time`
      : `${KEYS[key]} AS ${key}`,
  )
  return { select: expressions.map((expression) => `${expression}, `).join(''), names: [...groupBy] }
}

const FILTER = `(empty({arms:Array(String)}) OR d.arm IN {arms:Array(String)})
  AND (empty({classes:Array(String)}) OR d.request_class IN {classes:Array(String)})
  AND (empty({tenants:Array(String)}) OR d.tenant IN {tenants:Array(String)})`

function grouped({ names }: Keys): string {
  return names.length === 0 ? '' : `GROUP BY ${names.join(', ')} ORDER BY ${names.join(', ')}`
}

function decidedSql(keys: Keys): string {
  return `SELECT ${keys.select}count() AS decisions
    FROM decisions AS d WHERE ${qualified('d')} AND ${FILTER} ${grouped(keys)} LIMIT {limit:UInt32}`
}

function calledSql(keys: Keys): string {
  return `SELECT ${keys.select}
      countIf(a.status = 'answered') AS answered, countIf(a.status IN ('failed', 'cut')) AS failed,
      countIf(a.status = 'cancelled') AS cancelled, sum(ifNull(a.cost_usd, 0.)) AS cost_usd,
      sum(ifNull(a.prompt_tokens, 0)) AS prompt_tokens, sum(ifNull(a.completion_tokens, 0)) AS completion_tokens,
      countIf(a.status = 'answered' AND a.ttft_ms IS NOT NULL) AS timed,
      quantilesTDigestIf(0.5, 0.9, 0.95, 0.99)(assumeNotNull(a.ttft_ms), a.status = 'answered' AND a.ttft_ms IS NOT NULL) AS ttft_ms,
      quantilesTDigestIf(0.5, 0.9, 0.95, 0.99)(a.total_ms, a.status = 'answered') AS total_ms
    FROM attempts AS a INNER JOIN decisions AS d ON a.decision_ts = d.decision_ts AND a.decision_id = d.decision_id
    WHERE ${qualified('a')} AND ${qualified('d')} AND ${FILTER} ${grouped(keys)} ${JOINED}`
}

/** The latest value of a decision counts; one that was taken back does not. */
function judgedSql(keys: Keys): string {
  return `SELECT ${keys.select}count() AS rated, avg(assumeNotNull(r.quality)) AS quality
    FROM
    (
        SELECT decision_ts, decision_id, argMax(tuple(rewards.quality), (${REWARD_ORDER})).1 AS quality
        FROM rewards WHERE ${IN_SPAN} AND sets_quality
        GROUP BY decision_ts, decision_id HAVING quality IS NOT NULL
    ) AS r
    INNER JOIN (SELECT decision_ts, decision_id, arm, request_class, tenant FROM decisions WHERE ${IN_SPAN}) AS d
      ON r.decision_ts = d.decision_ts AND r.decision_id = d.decision_id
    WHERE ${FILTER} ${grouped(keys)} ${JOINED}`
}

/**
 * What the decisions whose call cost something would have cost on the baseline, by what was estimated when they were made;
 * only where the baseline was eligible. What they were estimated to cost on the arm that was taken tells how good estimates are.
 */
function comparedSql(keys: Keys): string {
  const there = 'indexOf(eligible, {baseline:String})'
  const taken = 'indexOf(eligible, arm)'
  // Four numbers go through the join, not the arrays they are taken from.
  return `SELECT ${keys.select}count() AS compared, sum(a.cost_usd) AS cost_usd,
      sum(d.there_usd) AS baseline_usd, sum(d.taken_usd) AS estimated_usd,
      avg(d.there_quality) AS mean_baseline, avg(d.taken_quality) AS mean_taken
    FROM attempts AS a
    INNER JOIN
    (
        SELECT decision_ts, decision_id, arm, request_class, tenant,
            ${estimated('cost', there)} AS there_usd, ${estimated('cost', taken)} AS taken_usd,
            ${estimated('quality', there)} AS there_quality, ${estimated('quality', taken)} AS taken_quality
        FROM decisions WHERE ${IN_SPAN} AND has(eligible, {baseline:String}) AND notEmpty(estimates)
    ) AS d ON a.decision_ts = d.decision_ts AND a.decision_id = d.decision_id
    WHERE ${qualified('a')} AND a.status IN ('answered', 'cut') AND a.cost_usd IS NOT NULL AND ${FILTER}
    ${grouped(keys)} ${JOINED}`
}

/** The aliases of the table (`estimated_cost_usd`, …) say the same, and cost ten times as much: they copy all estimates for each arm. */
function estimated(what: 'quality' | 'cost', position: string): string {
  return `estimates[13 * ${position} - ${what === 'quality' ? 12 : 10}]`
}

function qualified(table: string): string {
  return IN_SPAN.replaceAll('decision_ts', `${table}.decision_ts`)
}

function keyOf(row: Row, { names }: Keys): string {
  return JSON.stringify(names.map((name) => row[name]))
}

/** The cell that arms share: everything of a group but its arm. */
function cellOf(row: Row, { groupBy }: TrafficQuery): string {
  return JSON.stringify(
    groupBy.includes('arm') ? groupBy.filter((key) => key !== 'arm').map((key) => row[key]) : [],
  )
}

function cellTotals(rows: readonly Row[], query: TrafficQuery): Map<string, number> {
  const totals = new Map<string, number>()
  for (const row of rows) {
    const cell = cellOf(row, query)
    totals.set(cell, (totals.get(cell) ?? 0) + readNumber(row, 'decisions'))
  }
  return totals
}

function identity(
  row: Row,
  { groupBy }: TrafficQuery,
): Pick<TrafficGroup, 'arm' | 'requestClass' | 'tenant' | 'fromMs'> {
  const has = (key: TrafficQuery['groupBy'][number]): boolean => groupBy.includes(key)
  return {
    arm: has('arm') ? readText(row, 'arm') : undefined,
    requestClass: has('class') ? readText(row, 'class') : undefined,
    tenant: has('tenant') ? readText(row, 'tenant') : undefined,
    fromMs: has('time') ? readNumber(row, 'time') * 1_000 : undefined,
  }
}

type Calls = Pick<
  TrafficGroup,
  'answered' | 'failed' | 'cancelled' | 'costUsd' | 'promptTokens' | 'completionTokens' | 'ttftMs' | 'totalMs'
>

function callsOf(row: Row | undefined): Calls {
  const number = (name: string): number => (row === undefined ? 0 : readNumber(row, name))
  return {
    answered: number('answered'),
    failed: number('failed'),
    cancelled: number('cancelled'),
    costUsd: number('cost_usd'),
    promptTokens: number('prompt_tokens'),
    completionTokens: number('completion_tokens'),
    ttftMs: number('timed') === 0 ? undefined : quantiles(row?.['ttft_ms']),
    totalMs: number('answered') === 0 ? undefined : quantiles(row?.['total_ms']),
  }
}

function judgementsOf(row: Row | undefined): Pick<TrafficGroup, 'rated' | 'meanQuality'> {
  const rated = row === undefined ? 0 : readNumber(row, 'rated')
  return { rated, meanQuality: row === undefined || rated === 0 ? undefined : readNumber(row, 'quality') }
}

function comparisonOf(arm: string, row: Row | undefined): NonNullable<TrafficGroup['baseline']> {
  const compared = row === undefined ? 0 : readNumber(row, 'compared')
  const number = (name: string): number => (row === undefined || compared === 0 ? 0 : readNumber(row, name))
  const mean = (name: string): number | undefined => (compared === 0 ? undefined : number(name))
  return {
    arm,
    decisions: compared,
    costUsd: number('baseline_usd'),
    actualCostUsd: number('cost_usd'),
    estimatedCostUsd: number('estimated_usd'),
    savingUsd: number('baseline_usd') - number('cost_usd'),
    estimatedQuality: mean('mean_taken'),
    baselineQuality: mean('mean_baseline'),
  }
}

function quantiles(value: unknown): TrafficGroup['totalMs'] {
  const [p50 = 0, p90 = 0, p95 = 0, p99 = 0] = Array.isArray(value) ? value.map(Number) : []
  return { p50, p90, p95, p99 }
}
