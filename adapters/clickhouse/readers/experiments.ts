/**
 * What the variants of an experiment brought, summed where the rows are: one row for each variant comes back, however many
 * exposures there were. Calls and rewards are first brought to one row a decision, in the order in which they lie; decisions then to
 * one row a unit, because the unit is what was assigned.
 */
import type { ClickHouse, QueryParams, Row } from '../client.ts'
import type {
  ExperimentCell,
  ExperimentQuery,
  ExposureSpan,
  MeasureQuery,
  MeasureSums,
  PopulationCell,
  PopulationQuery,
  QuantileQuery,
  Segment,
  ShareBelow,
} from '../experiment-rows.ts'
import { NO_ID } from '../rows/decisions.ts'
import { readFlag, readNumber, readText } from '../rows/fields.ts'
import { REWARD_ORDER } from '../rows/rewards.ts'

/** Above this much memory for the groups of a query, in bytes, they go to the disk. */
const GROUP_BYTES_MAX = 1_000_000_000
const SETTINGS = `SETTINGS distributed_product_mode = 'local', join_algorithm = 'full_sorting_merge',
  optimize_aggregation_in_order = 1, max_bytes_before_external_group_by = ${GROUP_BYTES_MAX},
  max_bytes_before_external_sort = ${GROUP_BYTES_MAX}`

const IN_SPAN = `decision_ts >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
  AND decision_ts < fromUnixTimestamp64Milli({to:Int64}, 'UTC')`
const EXPOSED = `a.experiment = {experiment:String} AND a.run = {run:UInt16}
  AND ${IN_SPAN.replaceAll('decision_ts', 'a.decision_ts')}`

/** The finish reasons by which providers say that they would not answer. */
const REFUSALS = ['content_filter', 'content-filter', 'refusal', 'safety', 'prohibited_content', 'blocklist']

const CALLS = `
    SELECT decision_ts, decision_id, sum(ifNull(cost_usd, 0.)) AS cost, countIf(status = 'answered') AS answered,
        countIf(status IN ('failed', 'cut')) AS failed, anyIf(ttft_ms, status = 'answered') AS ttft,
        sumIf(total_ms, status = 'answered') AS total,
        countIf(status = 'answered' AND lower(finish_reason) IN (${REFUSALS.map((word) => `'${word}'`).join(', ')})) AS refused
    FROM attempts WHERE ${IN_SPAN} GROUP BY decision_ts, decision_id`

const SEGMENT_SQL: Readonly<Record<Segment, string>> = {
  class: 'a.request_class',
  tenant: 'a.tenant',
  day: 'toString(intDiv(toUnixTimestamp64Milli(a.decision_ts) - {from:Int64}, 86400000))',
}

/** y and d of one decision: see `Measure`. */
function valueSql(measure: MeasureQuery, at: number): { readonly y: string; readonly d: string } {
  const rated = { y: 'ifNull(r.quality, 0.)', d: 'isNotNull(r.quality)' }
  const capped = (y: string): string => (measure.cap === undefined ? y : `least(${y}, {cap${at}:Float64})`)
  switch (measure.measure) {
    case 'quality':
      return rated
    case 'reward':
      return { y: `ifNull(r.reward${at}, 0.)`, d: `isNotNull(r.reward${at})` }
    case 'utility': {
      const worth = `r.quality - {usd${at}:Float64} * c.cost - {second${at}:Float64} * c.total / 1000. - {failure${at}:Float64} * c.failed`
      return { y: `ifNull(${worth}, 0.)`, d: rated.d }
    }
    case 'cost_usd':
      return { y: capped('c.cost'), d: 'a.is_first' }
    case 'ttft_ms':
      return { y: capped('ifNull(c.ttft, 0.)'), d: 'isNotNull(c.ttft)' }
    case 'total_ms':
      return { y: capped('c.total'), d: 'c.answered > 0' }
    case 'error_rate':
      return { y: 'c.failed', d: 'a.is_first' }
    case 'refusal_rate':
      return { y: 'c.refused', d: 'c.answered > 0' }
  }
}

function paramsOf(query: ExposureSpan, measures: readonly MeasureQuery[] = []): QueryParams {
  const own = measures.flatMap(({ reward, rates, cap }, at): [string, unknown][] => [
    [`reward${at}`, reward ?? ''],
    [`cap${at}`, cap ?? 0],
    [`usd${at}`, rates?.perUsd ?? 0],
    [`second${at}`, rates?.perSecond ?? 0],
    [`failure${at}`, rates?.perFailure ?? 0],
  ])
  const { experiment, run, fromMs, toMs } = query
  return { experiment, run, from: Math.ceil(fromMs), to: Math.ceil(toMs), ...Object.fromEntries(own) }
}

/** The latest value counts, of the quality the latest that set it. */
function rewardsSql(measures: readonly MeasureQuery[], span = IN_SPAN): string {
  const named = measures.flatMap(({ measure }, at) =>
    measure === 'reward'
      ? `, argMaxIf(tuple(value_number), (${REWARD_ORDER}), metric = {reward${at}:String}).1 AS reward${at}`
      : [],
  )
  return `
    SELECT decision_ts, decision_id, argMaxIf(tuple(rewards.quality), (${REWARD_ORDER}), sets_quality).1 AS quality${named.join('')}
    FROM rewards WHERE ${span} GROUP BY decision_ts, decision_id`
}

const ON = (table: string): string =>
  `ON a.decision_ts = ${table}.decision_ts AND a.decision_id = ${table}.decision_id`

function joined(measures: readonly MeasureQuery[], exposures = 'assignments'): string {
  const isJudged = measures.some(({ measure }) => ['quality', 'reward', 'utility'].includes(measure))
  return `${exposures} AS a LEFT JOIN (${CALLS}) AS c ${ON('c')}
    ${isJudged ? `LEFT JOIN (${rewardsSql(measures)}) AS r ${ON('r')}` : ''}`
}

/** Decisions as exposures of one variant: what an experiment would be about. */
const POPULATION_UNITS: Readonly<Record<PopulationQuery['unit'], string>> = {
  tenant: 'tenant',
  user: 'user_hash',
  session: "if(session = '', '', concat(tenant, ':', session))",
  request: 'request_id',
}

export async function populationCell(
  clickhouse: Pick<ClickHouse, 'query'>,
  { unit, models, classes, tenants, ...query }: PopulationQuery,
): Promise<PopulationCell | undefined> {
  const exposures = `(
    SELECT decision_ts, decision_id, '' AS experiment, 0 AS run, 0 AS period, 'all' AS variant, ${POPULATION_UNITS[unit]} AS unit,
      parent_id = toUUID('${NO_ID}') AS is_first, 1. AS probability, tenant, request_class, prompt_tokens
    FROM decisions WHERE ${IN_SPAN} AND unit != '' AND surface != 'judge'
      AND (empty({models:Array(String)}) OR requested_model IN {models:Array(String)})
      AND (empty({classes:Array(String)}) OR request_class IN {classes:Array(String)})
      AND (empty({tenants:Array(String)}) OR tenant IN {tenants:Array(String)})
  )`
  const filter = { models: models ?? [], classes: classes ?? [], tenants: tenants ?? [] }
  const span = { from: Math.ceil(query.fromMs), to: Math.ceil(query.toMs) }
  const [[cell], [first]] = await Promise.all([
    cellsOf(clickhouse, { ...query, experiment: '', run: 0 }, exposures, filter),
    clickhouse.query(`SELECT toUnixTimestamp64Milli(min(decision_ts)) AS first_ms FROM ${exposures}`, {
      ...span,
      ...filter,
    }),
  ])
  return cell && first && { ...cell, firstMs: readNumber(first, 'first_ms') }
}

/** Grouped by as a number, in 0.6 of the time of the text; that any two of ten million share one has a chance of 3e-6. */
const UNIT = 'sipHash64(a.unit)'

/** One row for each variant, period and segment. */
export async function experimentCells(
  clickhouse: Pick<ClickHouse, 'query'>,
  query: ExperimentQuery,
): Promise<readonly ExperimentCell[]> {
  return await cellsOf(clickhouse, query, 'assignments', {})
}

async function cellsOf(
  clickhouse: Pick<ClickHouse, 'query'>,
  query: ExperimentQuery,
  exposures: string,
  more: QueryParams,
): Promise<readonly ExperimentCell[]> {
  const { measures, segment, covariate, weighted = false } = query
  const perUnit = measures.map((measure, at) => {
    const { y, d } = valueSql(measure, at)
    return `sum(${y}) AS y${at}, sum(toFloat64(${d})) AS d${at}`
  })
  const before = covariate?.kind === 'before' ? covariate : undefined
  const xOf = (at: number): string =>
    covariate === undefined ? '0.' : before === undefined ? 'prompt' : `before${at}`
  const prompt = covariate?.kind === 'prompt' ? ', avg(log1p(a.prompt_tokens)) AS prompt' : ''
  const names = SUM_NAMES.filter(
    (name) => (weighted || !WEIGHTED.has(name)) && (covariate !== undefined || !ADJUSTED.has(name)),
  )
  const sums = measures.map((_, at) => sumsSql(names, at, xOf(at)))
  const units = `
    SELECT ${UNIT} AS unit, ${segment === undefined ? "''" : SEGMENT_SQL[segment]} AS segment, argMin(a.variant, a.decision_ts) AS variant,
        min(a.period) AS period, min(a.variant) != max(a.variant) AS mixed, min(a.probability) AS e,
        sum(toUInt64(a.is_first)) AS requests, count() AS exposures, countIf(c.answered + c.failed > 0) AS outcomes${prompt},
        ${perUnit.join(', ')}
    FROM ${joined(measures, exposures)}
    WHERE ${EXPOSED} GROUP BY unit${segment === undefined ? '' : ', segment'}`
  const rows = await clickhouse.query(
    `SELECT variant, period, segment, mixed, count() AS units, sum(requests) AS requests, sum(exposures) AS exposures,
       sum(outcomes) AS outcomes, ${sums.join(', ')}
     FROM (${units}) AS u ${before === undefined ? '' : `LEFT JOIN (${beforeSql(before, measures)}) AS b ON u.unit = b.unit`}
     GROUP BY variant, period, segment, mixed ORDER BY variant, period, segment, mixed
     ${before === undefined ? SETTINGS : SETTINGS.replace("'full_sorting_merge'", "'full_sorting_merge,hash'")}`,
    {
      ...paramsOf(query, measures),
      ...more,
      ...(before && { salt: before.salt, before: Math.ceil(before.fromMs) }),
    },
  )
  return rows.map((row) => ({
    variant: readText(row, 'variant'),
    period: readNumber(row, 'period'),
    segment: readText(row, 'segment'),
    mixed: readFlag(row, 'mixed'),
    units: readNumber(row, 'units'),
    requests: readNumber(row, 'requests'),
    exposures: readNumber(row, 'exposures'),
    outcomes: readNumber(row, 'outcomes'),
    sums: measures.map((_, at) => readSums(row, at)),
  }))
}

const SUM_NAMES = 'n y yy d dd yd x xx yx dx w ww wv wwv wwvv'.split(' ') as readonly (keyof MeasureSums)[]

/** What is only summed where it is asked for, and else 0. */
const WEIGHTED: ReadonlySet<keyof MeasureSums> = new Set(['w', 'ww', 'wv', 'wwv', 'wwvv'])
const ADJUSTED: ReadonlySet<keyof MeasureSums> = new Set(['x', 'xx', 'yx', 'dx'])

function sumsSql(names: readonly (keyof MeasureSums)[], at: number, x: string): string {
  const [y, d] = [`y${at}`, `d${at}`]
  const v = `(${y} / ${d})`
  const terms: Readonly<Record<keyof MeasureSums, string>> = {
    n: '1',
    y,
    yy: `${y} * ${y}`,
    d,
    dd: `${d} * ${d}`,
    yd: `${y} * ${d}`,
    x,
    xx: `${x} * ${x}`,
    yx: `${y} * ${x}`,
    dx: `${d} * ${x}`,
    w: '1 / e',
    ww: '1 / (e * e)',
    wv: `${v} / e`,
    wwv: `${v} / (e * e)`,
    wwvv: `${v} * ${v} / (e * e)`,
  }
  return names.map((name) => `sumIf(toFloat64(${terms[name]}), ${d} > 0) AS ${name}_${at}`).join(', ')
}

function readSums(row: Row, at: number): MeasureSums {
  return Object.fromEntries(SUM_NAMES.map((name) => [name, Number(row[`${name}_${at}`] ?? 0)])) as Record<
    keyof MeasureSums,
    number
  >
}

/** What each unit had of the same measures before the experiment, found by the hash that the experiment gives it. */
function beforeSql(
  { unit }: { readonly unit: 'tenant' | 'user' },
  measures: readonly MeasureQuery[],
): string {
  const span = IN_SPAN.replaceAll('{to:Int64}', '{from:Int64}').replace('{from:Int64}', '{before:Int64}')
  const means = measures.map((measure, at) => {
    const { y, d } = valueSql(measure, at)
    const first = (sql: string): string => sql.replaceAll('a.is_first', `(a.parent_id = toUUID('${NO_ID}'))`)
    return `if(sum(toFloat64(${first(d)})) > 0, sum(${y}) / sum(toFloat64(${first(d)})), 0.) AS before${at}`
  })
  const whose = unit === 'tenant' ? 'a.tenant' : 'a.user_hash'
  return `
    SELECT sipHash64(lower(substring(hex(SHA256(concat({salt:String}, ':', ${whose}))), 1, 16))) AS unit, ${means.join(', ')}
    FROM (SELECT decision_ts, decision_id, parent_id, tenant, user_hash FROM decisions WHERE ${span}) AS a
    LEFT JOIN (${CALLS.replace(IN_SPAN, span)}) AS c ${ON('c')}
    LEFT JOIN (${rewardsSql(measures, span)}) AS r ${ON('r')}
    GROUP BY unit`
}

/** Order statistics by variant. */
export async function experimentQuantiles(
  clickhouse: Pick<ClickHouse, 'query'>,
  query: QuantileQuery,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const variants = [...query.levels]
  if (variants.length === 0) return new Map()
  const { y, d } = valueSql({ measure: query.measure }, 0)
  const columns = variants.map(([, levels], at) => {
    const list = levels.map((level) => level.toFixed(12)).join(', ')
    return `quantilesExactIf(${list})(toFloat64(${y}), ${d} AND a.variant = {variant${at}:String}) AS q${at}`
  })
  const names = Object.fromEntries(variants.map(([variant], at) => [`variant${at}`, variant]))
  const [row] = await clickhouse.query(
    `SELECT ${columns.join(', ')} FROM ${joined([])} WHERE ${EXPOSED} ${SETTINGS}`,
    { ...paramsOf(query), ...names },
  )
  return new Map(
    variants.map(([variant], at) => {
      const values = row?.[`q${at}`]
      return [variant, Array.isArray(values) ? values.map(Number) : []]
    }),
  )
}

/** How the values at or below each variant's threshold spread over its units. */
export async function experimentShares(
  clickhouse: Pick<ClickHouse, 'query'>,
  query: Omit<QuantileQuery, 'levels'> & { readonly thresholds: ReadonlyMap<string, number> },
): Promise<readonly ShareBelow[]> {
  const { y, d } = valueSql({ measure: query.measure }, 0)
  const rows = await clickhouse.query(
    `SELECT variant, count() AS units, sum(below) AS sum_below, sum(below * below) AS below_squares, sum(total) AS sum_values,
       sum(total * total) AS value_squares, sum(below * total) AS products
     FROM
     (
         SELECT ${UNIT} AS unit, min(a.variant) AS variant, countIf(${d}) AS total,
             countIf(${d} AND ${y} <= transform(a.variant, {names:Array(String)}, {limits:Array(Float64)}, 0.)) AS below
         FROM ${joined([])} WHERE ${EXPOSED} GROUP BY unit
     ) GROUP BY variant ORDER BY variant ${SETTINGS}`,
    { ...paramsOf(query), names: [...query.thresholds.keys()], limits: [...query.thresholds.values()] },
  )
  return rows.map((row) => ({
    variant: readText(row, 'variant'),
    units: readNumber(row, 'units'),
    below: readNumber(row, 'sum_below'),
    belowSquares: readNumber(row, 'below_squares'),
    values: readNumber(row, 'sum_values'),
    valueSquares: readNumber(row, 'value_squares'),
    products: readNumber(row, 'products'),
  }))
}
