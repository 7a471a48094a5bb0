/** The judges of the configuration in the words of the API. */
import type { Judge } from '../registry.ts'
import { refuseWithoutStore } from '../rewards/known-decision.ts'
import type { JudgeListReply } from '../routes/schemas/judge.ts'
import type { Services } from '../services.ts'
import { agreementOf, judgeSource, pairsOf } from './agreement.ts'

const DAYS_MS = 30 * 86_400_000
const DECISIONS_MAX = 10_000

/** Agreement is told of the tenant's own answers only. @throws {ServerError} 503 `store_unavailable` */
export async function listJudges(services: Services, tenant: string): Promise<JudgeListReply> {
  const judges = services.view().registry.judges ?? []
  const data: JudgeListReply['data'] = []
  for (const judge of judges) data.push(await judgeBody(services, tenant, judge))
  return { object: 'list', data }
}

async function judgeBody(
  services: Services,
  tenant: string,
  judge: Judge,
): Promise<JudgeListReply['data'][number]> {
  const { store, clock, judges, view } = services
  const rewards = await store
    .findRewards({
      tenant,
      source: judgeSource(judge.name, false),
      fromMs: clock.nowMs() - DAYS_MS,
      limit: DECISIONS_MAX,
    })
    .catch(refuseWithoutStore)
  const { n, meanDifference, correlation, agreeing, kappa } = agreementOf(
    pairsOf(judge, rewards, view().metrics),
  )
  const { waiting, running, spentUsd, counts } = await judges.stateOf(judge.name).catch(refuseWithoutStore)
  return {
    object: 'judge',
    name: judge.name,
    model: judge.model,
    metric: judge.metric.name,
    share: judge.share,
    own_answers: judge.ownAnswers,
    max_usd_per_day: judge.maxUsdPerDay,
    spent_usd_today: spentUsd,
    waiting,
    running,
    results: Object.fromEntries(counts),
    agreement: {
      n,
      mean_difference: meanDifference ?? null,
      correlation: correlation ?? null,
      agreeing: agreeing ?? null,
      kappa: kappa ?? null,
    },
  }
}
