/**
 * Rows as a gateway writes them: a router that learns on the bundled prompts decides, and what the drawn arm does is drawn
 * from that prompt's outcomes. Deterministic by the seed; times are spread evenly over a span.
 */
import { v7 } from 'uuid'
import type { AttemptRow, DecisionRow, RewardRow, Store } from '../../adapters/index.ts'
import { openDataset, type PromptRow } from '../../datasets/index.ts'
import {
  createFeatureSpace,
  createRouter,
  type Decision,
  type DecisionId,
  describeRequest,
  fitTextProjection,
  type Observation,
  observationsFromOutcome,
  qualityObservation,
  type RequestFacts,
} from '../../engine/index.ts'
import { arm, gaussian, seeded } from './engine.ts'

export interface TrafficShape {
  readonly decisions: number
  /** Times run from here over `spanMs`. */
  readonly fromMs: number
  readonly spanMs: number
  /** Named `tenant-0`, …; the k-th has a share proportional to 1/(k+1). @default 20 */
  readonly tenants?: number
  /** Share of decisions that somebody judges. @default 0.2 */
  readonly judged?: number
  /** Coordinates of the prompt's text in contexts. @default 32 */
  readonly textComponents?: number
  readonly seed?: number
}

/** All that one request leaves behind. */
export interface RequestRows {
  readonly decision: DecisionRow
  readonly attempt: AttemptRow
  readonly observations: readonly Observation[]
  readonly reward: { readonly row: RewardRow; readonly observations: readonly Observation[] } | undefined
}

export async function* realisticRows(shape: TrafficShape): AsyncGenerator<RequestRows> {
  const { decisions, fromMs, spanMs, tenants = 20, judged = 0.2, textComponents = 32, seed = 1 } = shape
  const uniform = seeded(seed)
  const prompts: PromptRow[] = []
  for await (const row of (await openDataset('crossroads')).rows()) prompts.push(row)
  const arms = [...(prompts[0]?.outcomes.keys() ?? [])]
  const classes = [...new Set(prompts.map(({ category }) => category))]
  const text = fitTextProjection(
    prompts.map(({ prompt }) => prompt),
    { components: textComponents },
  )
  const featureSpace = createFeatureSpace({ classes, text })
  const router = createRouter({ arms: arms.map((id) => arm(id)), featureSpace })
  const facts = prompts.map(
    ({ prompt, category }): RequestFacts =>
      describeRequest(
        {
          messages: [{ role: 'user', text: prompt }],
          promptTokens: Math.ceil(prompt.length / 4),
          requestClass: category,
        },
        featureSpace.text,
      ),
  )
  const popularity = Array.from({ length: tenants }, (_, k) => 1 / (k + 1))
  const whole = popularity.reduce((sum, share) => sum + share, 0)
  const drawTenant = (): string => {
    let left = uniform() * whole
    for (const [k, share] of popularity.entries()) {
      left -= share
      if (left <= 0) return `tenant-${k}`
    }
    return 'tenant-0'
  }

  for (let i = 0; i < decisions; i++) {
    const at = Math.floor(uniform() * prompts.length)
    const prompt = prompts[at] as PromptRow
    const described = varied(facts[at] as RequestFacts, uniform)
    const atMs = Math.floor(fromMs + (i * spanMs) / decisions)
    const id = idAt(atMs, uniform)
    const result = router.decide({
      id,
      atMs,
      facts: described,
      candidates: [...router.arms.keys()],
      policy: { name: 'thompson' },
      preferences: { kind: 'weights', quality: 1, cost: 0.1, latency: 0.05 },
      floor: 0.02,
    })
    if (result.kind !== 'decided') throw new Error('nothing is eligible')
    const { decision } = result
    const outcome = prompt.outcomes.get(decision.arm)
    const ttftMs = 200 + 400 * uniform()
    const outputTokens = outcome?.outputTokens ?? 100
    const totalMs = ttftMs + outputTokens * (5 + 10 * uniform())
    const observations = observationsFromOutcome(
      decision,
      { arm: decision.arm, succeeded: true, ttftMs, totalMs, outputTokens },
      atMs,
      featureSpace.servingDimension,
    )
    router.learn(observations)
    const quality = Math.round((outcome?.quality ?? 0.5) * 100) / 100
    const lesson = [qualityObservation(decision, decision.arm, quality, atMs)]
    const isJudged = uniform() < judged
    if (isJudged) router.learn(lesson)
    yield {
      decision: decisionRowOf(decision, described, drawTenant(), uniform),
      attempt: attemptOf(decision, described, { ttftMs, totalMs, outputTokens, costUsd: outcome?.costUsd }),
      observations,
      reward: isJudged ? { row: rewardOf(id, atMs, quality), observations: lesson } : undefined,
    }
  }
}

/** Writes them; resolves when all are stored. */
export async function storeRealisticRows(store: Store, shape: TrafficShape): Promise<void> {
  let pending: Promise<void>[] = []
  let rows = 0
  for await (const { decision, attempt, observations, reward } of realisticRows(shape)) {
    store.appendDecision(decision)
    store.appendAttempt(attempt)
    store.appendObservations(observations)
    if (reward !== undefined) pending.push(store.writeReward(reward.row, reward.observations))
    if (++rows % 5_000 === 0) {
      await Promise.all(pending)
      pending = []
      await store.flush()
    }
  }
  await Promise.all(pending)
  await store.flush()
  const { droppedRows, failedBatches } = store.stats()
  if (droppedRows + failedBatches > 0)
    throw new Error(`${droppedRows} rows dropped, ${failedBatches} inserts failed`)
}

/** No two prompts of real traffic have the same text. */
function varied(facts: RequestFacts, uniform: () => number): RequestFacts {
  return { ...facts, ...(facts.text && { text: facts.text.map((value) => value + 0.1 * gaussian(uniform)) }) }
}

function idAt(msecs: number, uniform: () => number): DecisionId {
  return v7({ msecs, random: Uint8Array.from({ length: 16 }, () => uniform() * 256) }) as DecisionId
}

function decisionRowOf(
  decision: Decision,
  { promptTokens }: RequestFacts,
  tenant: string,
  uniform: () => number,
): DecisionRow {
  return {
    decision,
    requestId: idAt(decision.atMs - 3, uniform),
    parentId: undefined,
    tenant,
    session: uniform() < 0.5 ? '' : `session-${Math.floor(uniform() * 5_000)}`,
    userHash: '',
    requestedModel: 'auto',
    surface: 'chat',
    stream: uniform() < 0.5,
    promptTokens,
    metadata: {},
  }
}

function attemptOf(
  decision: Decision,
  { promptTokens }: RequestFacts,
  call: {
    readonly ttftMs: number
    readonly totalMs: number
    readonly outputTokens: number
    readonly costUsd: number | undefined
  },
): AttemptRow {
  return {
    decisionId: decision.id,
    atMs: Math.floor(decision.atMs + call.totalMs),
    arm: decision.arm,
    index: 0,
    status: 'answered',
    upstreamStatus: 200,
    errorCode: '',
    errorMessage: '',
    finishReason: 'stop',
    ttftMs: call.ttftMs,
    totalMs: call.totalMs,
    promptTokens,
    cachedTokens: undefined,
    completionTokens: call.outputTokens,
    reasoningTokens: undefined,
    costUsd: call.costUsd ?? 0.001,
    usageEstimated: false,
  }
}

function rewardOf(decisionId: DecisionId, atMs: number, valueNumber: number): RewardRow {
  return {
    rewardId: `${decisionId}:quality`,
    decisionId,
    atMs: atMs + 60_000,
    metric: 'quality',
    valueNumber,
    valueText: '',
    source: 'user',
    idempotencyKey: '',
  }
}
