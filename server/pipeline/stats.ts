/** Statistics of the store as the HTTP API tells them. */
import { StoreError, type TrafficGroup } from '../../adapters/index.ts'
import { didYouMean } from '../config/nearest.ts'
import { serverError } from '../errors.ts'
import { BUCKETS, type StatsQuery, type StatsReply } from '../routes/schemas/admin.ts'
import type { Services } from '../services.ts'

const DAY_MS = BUCKETS.day
/** An error message names at most so many arms. */
const NAMES_LISTED_MAX = 20

/** @throws {ServerError} 400 `invalid_request`, `stats_too_large`; 503 `store_unavailable` */
export async function readStats(services: Services, query: StatsQuery): Promise<StatsReply> {
  const toMs = query.to ?? services.clock.nowMs()
  const fromMs = query.from ?? toMs - DAY_MS
  if (fromMs >= toMs) throw serverError('invalid_request', 'from: must be before now.', { param: 'from' })
  const groupBy = [...new Set(query.group_by ?? [])]
  const { groups } = await services.store
    .trafficStats({
      fromMs,
      toMs,
      groupBy,
      bucketMs: BUCKETS[query.bucket],
      arms: query.arm,
      classes: query.class,
      tenants: query.tenant,
      baseline: query.baseline,
    })
    .catch((error: unknown) => {
      if (!(error instanceof StoreError) || error.code !== 'store_bad_query') throw error
      throw serverError('stats_too_large', `${error.message}.`, { shouldRetry: false, cause: error })
    })
  if (query.baseline !== undefined) refuseStranger(services, query.baseline, groups)
  return { object: 'stats', from_ms: fromMs, to_ms: toMs, group_by: groupBy, groups: groups.map(groupReply) }
}

/** An arm that was removed is still in the log, and known by it. Savings against one that never was would be zeros. */
function refuseStranger(services: Services, baseline: string, groups: readonly TrafficGroup[]): void {
  const arms = [...services.view().registry.arms.keys()]
  if (arms.some((id) => id === baseline) || groups.some((group) => (group.baseline?.decisions ?? 0) > 0))
    return
  const listed = arms.slice(0, NAMES_LISTED_MAX).join(', ')
  const more = arms.length > NAMES_LISTED_MAX ? `, and ${arms.length - NAMES_LISTED_MAX} more` : ''
  throw serverError(
    'invalid_request',
    `baseline: "${baseline}" is no arm, and none that these decisions could have gone to${didYouMean(baseline, arms)}; the arms are ${listed}${more}.`,
    { param: 'baseline', shouldRetry: false },
  )
}

function groupReply(group: TrafficGroup): StatsReply['groups'][number] {
  const { arm, requestClass, tenant, fromMs, baseline } = group
  return {
    ...(arm !== undefined && { arm }),
    ...(requestClass !== undefined && { class: requestClass }),
    ...(tenant !== undefined && { tenant }),
    ...(fromMs !== undefined && { from_ms: fromMs }),
    decisions: group.decisions,
    share: group.share,
    answered: group.answered,
    failed: group.failed,
    cancelled: group.cancelled,
    cost_usd: group.costUsd,
    prompt_tokens: group.promptTokens,
    completion_tokens: group.completionTokens,
    ttft_ms: group.ttftMs ?? null,
    total_ms: group.totalMs ?? null,
    rated: group.rated,
    quality: group.meanQuality ?? null,
    ...(baseline !== undefined && {
      baseline: {
        arm: baseline.arm,
        decisions: baseline.decisions,
        cost_usd: baseline.costUsd,
        actual_cost_usd: baseline.actualCostUsd,
        estimated_cost_usd: baseline.estimatedCostUsd,
        saving_usd: baseline.savingUsd,
        quality: baseline.baselineQuality ?? null,
        estimated_quality: baseline.estimatedQuality ?? null,
      },
    }),
  }
}
