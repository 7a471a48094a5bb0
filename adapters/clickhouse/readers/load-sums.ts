/** The merged posterior of a feature space: decayed and added up by ClickHouse, so that what is read is one row per head. */
import type { ArmId, HeadName, HeadSums } from '../../../engine/index.ts'
import type { ClickHouse, Row } from '../client.ts'
import { readNumber, readText, readVector } from '../rows/fields.ts'
import type { Store } from '../store.ts'

/**
 * `f` is 2^(−age·rate): a rate of 0 never forgets. Heads of one group have rates of their own, and share `A`. A bucket's age
 * counts from its start. What has lost 64 half-lives is left out before it is multiplied: it is below the rounding of what
 * has not, and it is most of the rows.
 */
const SUMS = `
SELECT
    arm,
    head,
    sum(n * f) AS sum_n,
    sumForEach(A * f) AS sum_A,
    sumForEach(arraySlice(b, (k - 1) * d + 1, d) * f) AS sum_b,
    sum(c[k] * f) AS sum_c
FROM
(
    SELECT
        arm, head, k, n, A, b, c,
        intDiv(length(b), length(heads)) AS d,
        exp2((toUnixTimestamp(bucket) * 1000. - {now:Float64})
            * transform(head, {heads:Array(String)}, {rates:Array(Float64)}, 0.)) AS f
    FROM
    (
        SELECT
            arm, heads, bucket, n,
            finalizeAggregation(A) AS A,
            finalizeAggregation(b) AS b,
            finalizeAggregation(c) AS c
        FROM posterior
        WHERE feature_space = {space:String} AND replica NOT IN {excluded:Array(String)}
    )
    ARRAY JOIN heads AS head, arrayEnumerate(heads) AS k
    WHERE f > exp2(-64)
)
GROUP BY arm, head
ORDER BY arm, head`

export async function loadSums(
  clickhouse: ClickHouse,
  query: Parameters<Store['loadSums']>[0],
): Promise<HeadSums[]> {
  const halfLives = Object.entries(query.halfLifeMs)
  const rows = await clickhouse.query(SUMS, {
    space: query.featureSpace,
    excluded: query.excludeReplica === undefined ? [] : [query.excludeReplica],
    now: query.nowMs,
    heads: halfLives.map(([head]) => head),
    rates: halfLives.map(([, halfLifeMs]) => 1 / halfLifeMs),
  })
  return rows.map((row) => readSums(row, query))
}

function readSums(row: Row, query: Parameters<Store['loadSums']>[0]): HeadSums {
  return {
    arm: readText(row, 'arm') as ArmId,
    head: readText(row, 'head') as HeadName,
    featureSpace: query.featureSpace,
    asOfMs: query.nowMs,
    n: readNumber(row, 'sum_n'),
    A: readVector(row, 'sum_A'),
    b: readVector(row, 'sum_b'),
    c: readNumber(row, 'sum_c'),
  }
}
