/** What each arm did in a span of time: three logs, one row per arm. */
import type { ClickHouse, Row } from '../client.ts'
import { readNumber, readText } from '../rows/fields.ts'
import { REWARD_ORDER } from '../rows/rewards.ts'
import type { ArmSummary } from '../store.ts'

const IN_SPAN = `decision_ts >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
  AND decision_ts < fromUnixTimestamp64Milli({to:Int64}, 'UTC')`

const SUMMARY = `
WITH
    drawn AS (SELECT decision_id, arm FROM decisions WHERE ${IN_SPAN}),
    qualities AS
    (
        -- In a tuple, so that a value that was taken back counts as the latest, and the decision as not judged.
        SELECT decision_id, argMax(tuple(rewards.quality), (${REWARD_ORDER})).1 AS quality
        FROM rewards
        WHERE ${IN_SPAN} AND sets_quality
        GROUP BY decision_id
        HAVING quality IS NOT NULL
    )
SELECT
    arm,
    sum(decisions) AS decisions,
    sum(answered) AS answered,
    sum(failed) AS failed,
    sum(rated) AS rated,
    sum(quality) AS quality,
    sum(cost_usd) AS cost_usd,
    sumForEach(ttft_ms) AS ttft_ms,
    sumForEach(total_ms) AS total_ms
FROM
(
    SELECT arm, count() AS decisions, 0 AS answered, 0 AS failed, 0 AS rated, 0. AS quality, 0. AS cost_usd,
        emptyArrayFloat64() AS ttft_ms, emptyArrayFloat64() AS total_ms
    FROM drawn GROUP BY arm
    UNION ALL
    SELECT arm, 0, 0, 0, count(), sum(assumeNotNull(quality)), 0., emptyArrayFloat64(), emptyArrayFloat64()
    FROM qualities INNER JOIN drawn USING (decision_id) GROUP BY arm
    UNION ALL
    SELECT arm, 0, countIf(status = 'answered'), countIf(status IN ('failed', 'cut')), 0, 0., sum(ifNull(cost_usd, 0.)),
        if(countIf(status = 'answered' AND ttft_ms IS NOT NULL) = 0, emptyArrayFloat64(),
            quantilesTDigestIf(0.5, 0.95)(assumeNotNull(ttft_ms), status = 'answered' AND ttft_ms IS NOT NULL)),
        if(countIf(status = 'answered') = 0, emptyArrayFloat64(), quantilesTDigestIf(0.5, 0.95)(total_ms, status = 'answered'))
    FROM attempts WHERE ${IN_SPAN} GROUP BY arm
)
GROUP BY arm
ORDER BY decisions DESC, arm`

export async function armSummary(
  clickhouse: ClickHouse,
  query: { readonly fromMs: number; readonly toMs: number },
): Promise<ArmSummary[]> {
  const rows = await clickhouse.query(SUMMARY, { from: Math.round(query.fromMs), to: Math.round(query.toMs) })
  return rows.map((row) => {
    const rated = readNumber(row, 'rated')
    return {
      arm: readText(row, 'arm'),
      decisions: readNumber(row, 'decisions'),
      answered: readNumber(row, 'answered'),
      failed: readNumber(row, 'failed'),
      meanQuality: rated === 0 ? undefined : readNumber(row, 'quality') / rated,
      costUsd: readNumber(row, 'cost_usd'),
      ttftMs: readQuantiles(row, 'ttft_ms'),
      totalMs: readQuantiles(row, 'total_ms'),
    }
  })
}

function readQuantiles(row: Row, name: string): { p50: number; p95: number } | undefined {
  const value = row[name]
  if (!Array.isArray(value) || value.length < 2) return undefined
  return { p50: Number(value[0]), p95: Number(value[1]) }
}
