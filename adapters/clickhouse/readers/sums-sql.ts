/** The queries of `follow-sums.ts`. All weights are decayed by ClickHouse, so that what is read is one row per head. */
import type { FeatureSpaceId, HeadCut, HeadName } from '../../../engine/index.ts'
import { DAY_MS, ROW_BUCKET_MS, SLOT_MS } from '../buckets.ts'
import type { QueryParams } from '../client.ts'
import { LIFE_SEPARATOR } from '../contributor.ts'

const WEEK_MS = 7 * DAY_MS
/** A replica that has written an example within so long is there. */
const PRESENT_SECONDS = 900
/**
 * Rows older than a day may be rolled up. So much earlier they are no longer relied upon to be apart: the rest is what
 * clocks may differ by.
 */
const APART_MS = 20 * 3_600_000
/**
 * Clocks and time zones that are set wrong differ by less. What is dated later was written by a clock that meant another year: it would
 * be believed whole until then, however short the memory of its head is, and a cut would leave out all that comes before.
 */
const AHEAD_MS_MAX = DAY_MS

/**
 * Sums are read by unit, which is a day, or a week where that is over for a week or more: of what has not changed since, a
 * reader keeps a few megabytes.
 */
const UNIT = `
    toUInt32(if(slot < toDateTime({weeksBefore:UInt32}, 'UTC'), intDiv(toUnixTimestamp(slot), 604800) * 604800,
        intDiv(toUnixTimestamp(slot), 86400) * 86400))`

/** Where a cut falls: examples from `wholeFromMs` on are in rows of their own, those before it must be looked up one by one. */
export interface PlacedCut extends HeadCut {
  readonly wholeFromMs: number
}

/** In place of a cut for heads that have none. */
const NO_CUT_MS = 0

export function placed(cut: HeadCut, nowMs: number): PlacedCut {
  const slotMs = Math.floor(cut.sinceMs / SLOT_MS) * SLOT_MS
  const widthMs = slotMs > nowMs - APART_MS ? ROW_BUCKET_MS[cut.head] : SLOT_MS
  return { ...cut, wholeFromMs: Math.ceil(cut.sinceMs / widthMs) * widthMs }
}

/** What does not change from one reading to the next. */
export interface SumsScope {
  readonly featureSpace: FeatureSpaceId
  readonly halfLifeMs: Readonly<Record<HeadName, number>>
  readonly bucketMs: Readonly<Record<HeadName, number>>
}

export function scopeParams({ featureSpace, halfLifeMs, bucketMs }: SumsScope): QueryParams {
  const heads = Object.keys(halfLifeMs) as HeadName[]
  return {
    space: featureSpace,
    heads,
    rates: heads.map((head) => 1 / halfLifeMs[head]),
    widths: heads.map((head) => bucketMs[head]),
  }
}

export function weeksBefore(nowMs: number): number {
  return Math.max(Math.floor((nowMs - WEEK_MS) / WEEK_MS), 0) * 604_800
}

export function cutParams(cuts: readonly PlacedCut[]): QueryParams {
  return {
    cutHeads: cuts.map(({ arm, head }) => `${head} ${arm}`),
    cutFrom: cuts.map(({ wholeFromMs }) => wholeFromMs),
  }
}

export const CUTS = `
SELECT
    arm,
    head,
    toUnixTimestamp64Milli(max(since)) AS announced_ms,
    -- 1970, which cuts nothing, where all of them are dated too late.
    toUnixTimestamp64Milli(maxIf(least(since, stored), toUnixTimestamp64Milli(least(since, stored)) <= {now:Float64} + ${AHEAD_MS_MAX})) AS since_ms
FROM (SELECT arm, head, since, min(stored) AS stored FROM forgotten WHERE feature_space = {space:String} GROUP BY arm, head, since)
GROUP BY arm, head`

/** How many examples each unit sums: a number that grows with each, so one that is the same says that nothing has changed. */
export const UNITS = `
SELECT ${UNIT} AS unit, sum(rows) AS rows
FROM posterior
WHERE feature_space = {space:String} AND replica NOT IN {held:Array(String)}
GROUP BY unit
ORDER BY unit`

const REPLICA = (name: string) => `splitByChar('${LIFE_SEPARATOR}', ${name})[1]`

/** What a replica wrote under names that it holds no more, it wrote itself all the same. */
export const PRESENCE = `
SELECT
    toUnixTimestamp64Milli(now64(3)) AS server_ms,
    uniqExact(${REPLICA('toString(replica)')}) AS replicas
FROM posterior
WHERE feature_space = {space:String} AND NOT has(arrayMap(name -> ${REPLICA('name')}, {held:Array(String)}), ${REPLICA('toString(replica)')})
    AND slot >= toDateTime({presentSince:UInt32} - 21600, 'UTC') AND bucket >= toDateTime({presentSince:UInt32}, 'UTC')
    AND toUnixTimestamp(bucket) * 1000. <= {now:Float64} + ${AHEAD_MS_MAX}`

export function presentSince(nowMs: number): number {
  // A machine without a clock of its own starts in 1970.
  return Math.max(Math.floor(nowMs / 1000) - PRESENT_SECONDS, SLOT_MS / 1000)
}

/**
 * 2^(−age / half-life); 1 for what lies in the future. Heads of one row have half-lives of their own, and share `A`. What has
 * lost 64 half-lives is left out before it is multiplied: it is below the rounding of what has not, and it is most of
 * the rows.
 */
const WEIGHT = (dateMs: string) =>
  `exp2(least((${dateMs}) - {now:Float64}, 0.) * transform(head, {heads:Array(String)}, {rates:Array(Float64)}, 0.))`
const WIDTH = `transform(head, {heads:Array(String)}, {widths:Array(Float64)}, 0.)`

/** The sums of units, without what is forgotten: one row for each unit, arm and head. */
export const SUMS = `
SELECT
    unit,
    arm,
    head,
    sum(n * f) AS sum_n,
    sumForEach(A * f) AS sum_A,
    sumForEach(arraySlice(b, (k - 1) * d + 1, d) * f) AS sum_b,
    sum(c[k] * f) AS sum_c
FROM
(
    SELECT
        unit, arm, head, k, n, A, b, c,
        intDiv(length(b), length(heads)) AS d,
        ${WEIGHT(`if(${WIDTH} >= ${SLOT_MS}, toUnixTimestamp(slot), toUnixTimestamp(bucket)) * 1000.`)} AS f
    FROM
    (
        SELECT
            ${UNIT} AS unit, arm, heads, slot, bucket, n,
            finalizeAggregation(A) AS A,
            finalizeAggregation(b) AS b,
            finalizeAggregation(c) AS c
        FROM posterior
        WHERE feature_space = {space:String} AND replica NOT IN {held:Array(String)} AND unit IN {units:Array(UInt32)}
    )
    ARRAY JOIN heads AS head, arrayEnumerate(heads) AS k
    WHERE f > exp2(-64) AND toUnixTimestamp(bucket) * 1000. <= {now:Float64} + ${AHEAD_MS_MAX} AND toUnixTimestamp(bucket) * 1000. >=
        transform(concat(head, ' ', arm), {cutHeads:Array(String)}, {cutFrom:Array(Float64)}, ${NO_CUT_MS}.)
)
GROUP BY unit, arm, head
ORDER BY unit, arm, head`

const AT_THE_CUT = `
FROM observations
WHERE ts >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND ts < fromUnixTimestamp64Milli({wholeFrom:Int64}, 'UTC')
    AND feature_space = {space:String} AND arm = {arm:String} AND has(heads, {head:String})
    AND replica NOT IN {held:Array(String)}`

/** Examples between a cut and the next row that begins after it. */
export const ROWS_AT_CUT = `SELECT count() AS rows ${AT_THE_CUT}`

export const SUMS_AT_CUT = `
SELECT
    sum(w) AS sum_n,
    sumForEach(arrayFlatten(arrayMap((v, i) -> arraySlice(x, 1, i) * (v * w), x, arrayEnumerate(x)))) AS sum_A,
    sumForEach(x * (value * w)) AS sum_b,
    sum(value * value * w) AS sum_c
FROM
(
    SELECT x, y[indexOf(heads, {head:String})] AS value, weight * f AS w,
        {head:String} AS head,
        ${WEIGHT(`floor(toUnixTimestamp64Milli(ts) / ${WIDTH}) * ${WIDTH}`)} AS f
    ${AT_THE_CUT}
)`
