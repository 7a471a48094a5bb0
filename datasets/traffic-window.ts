/** What a stretch of traffic looked like: shares of the arms, cost and quality. Pure. */
import type { TrafficResult } from './traffic.ts'
import type { PromptRow } from './types.ts'

export interface TrafficWindow {
  readonly prompts: number
  /** Requests without a 200. */
  readonly failed: number
  /** Mean over the judged answers, [0, 1]; undefined without any. */
  readonly meanQuality: number | undefined
  /** USD per 1,000 answered requests. */
  readonly costUsdPer1k: number | undefined
  /** Answers that took more than one upstream call. */
  readonly failedOver: number
  /** Share of the answers by serving arm. */
  readonly shares: ReadonlyMap<string, number>
}

export function summarizeTraffic(results: readonly TrafficResult[]): TrafficWindow {
  const answered = results.filter((result) => result.status === 200)
  const counts = new Map<string, number>()
  for (const { arm } of answered) if (arm !== undefined) counts.set(arm, (counts.get(arm) ?? 0) + 1)
  const costUsd = mean(answered.flatMap((result) => result.costUsd ?? []))
  return {
    prompts: results.length,
    failed: results.length - answered.length,
    meanQuality: mean(answered.flatMap((result) => result.quality ?? [])),
    costUsdPer1k: costUsd === undefined ? undefined : 1_000 * costUsd,
    failedOver: answered.filter((result) => (result.attempts ?? 1) > 1).length,
    shares: new Map([...counts].map(([arm, count]) => [arm, count / answered.length])),
  }
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}

const ARMS_SHOWN = 4

/** One line for a terminal: prompts so far, quality, cost, and the arms that answered most. */
export function renderTrafficLine(
  promptsSoFar: number,
  { meanQuality, costUsdPer1k, shares }: TrafficWindow,
): string {
  const top = [...shares].sort((a, b) => b[1] - a[1]).slice(0, ARMS_SHOWN)
  const columns = [
    `${promptsSoFar}`.padStart(6),
    `quality ${meanQuality?.toFixed(3) ?? '–'}`,
    `$${costUsdPer1k?.toFixed(3) ?? '–'}/1k`.padStart(11),
    top.map(([arm, share]) => `${arm} ${(100 * share).toFixed(0)} %`).join(', '),
  ]
  return `${columns.join('  ')}\n`
}

/** The first `count` of the rows, which start over when they run out. */
export function* repeatRows(rows: readonly PromptRow[], count: number): Generator<PromptRow> {
  for (let sent = 0; rows.length > 0 && sent < count; ) {
    for (const row of rows) {
      if (sent++ >= count) return
      yield row
    }
  }
}
