/** A log whose every counterfactual is known: a router decides on the bundled prompts, and the outcome of each arm is in the set. */
import { v7 } from 'uuid'
import { type ArmOutcome, openDataset, type PromptRow } from '../../datasets/index.ts'
import {
  type ArmId,
  createFeatureSpace,
  createRouter,
  type DecideRequest,
  type DecisionId,
  describeRequest,
  type FeatureSpace,
  type LoggedDecision,
  observationsFromOutcome,
  qualityObservation,
  type Router,
} from '../../engine/index.ts'
import { arm, seeded } from './engine.ts'

export const WORLD_START_MS = Date.UTC(2026, 0, 5)

export interface WorldShape
  extends Partial<Pick<DecideRequest, 'policy' | 'floor' | 'explore' | 'preferences'>> {
  readonly decisions: number
  readonly seed?: number
  /** Of the answers, by what is known of the request. @default all */
  readonly judgedShare?: (row: { readonly requestClass: string; readonly arm: string }) => number
  /** Whether the router learns from what it sees. @default true */
  readonly learns?: boolean
  /** @default one */
  readonly tenants?: number
  /** What the log says of a decision, in the place of what was decided. */
  readonly tamper?: (row: LoggedDecision, index: number) => LoggedDecision
}

export interface World {
  readonly featureSpace: FeatureSpace
  readonly router: Router
  readonly rows: readonly LoggedDecision[]
  /** What every arm would have brought, by decision. */
  readonly outcomes: ReadonlyMap<DecisionId, ReadonlyMap<string, ArmOutcome>>
  /** Mean quality over the rows if arms were drawn from these distributions. */
  truth(distribution: (row: LoggedDecision) => Float64Array, good?: 'quality' | 'costUsd'): number
}

export async function loggedWorld(shape: WorldShape): Promise<World> {
  const { decisions, seed = 1, judgedShare, learns = true, tenants = 1, tamper } = shape
  const uniform = seeded(seed)
  const prompts: PromptRow[] = []
  for await (const row of (await openDataset('crossroads')).rows()) prompts.push(row)
  const arms = [...(prompts[0]?.outcomes.keys() ?? [])]
  const featureSpace = createFeatureSpace({ classes: [...new Set(prompts.map(({ category }) => category))] })
  const router = createRouter({
    arms: arms.map((id, k) => arm(id, { price: { inputUsdPerMtok: 1 + k, outputUsdPerMtok: 2 + 2 * k } })),
    featureSpace,
  })
  const rows: LoggedDecision[] = []
  const outcomes = new Map<DecisionId, ReadonlyMap<string, ArmOutcome>>()
  for (let i = 0; i < decisions; i++) {
    const prompt = prompts[Math.floor(uniform() * prompts.length)] as PromptRow
    const atMs = WORLD_START_MS + i * 1_000
    const id = v7({
      msecs: atMs,
      random: Uint8Array.from({ length: 16 }, () => uniform() * 256),
    }) as DecisionId
    const facts = describeRequest({
      messages: [{ role: 'user', text: prompt.prompt }],
      promptTokens: Math.ceil(prompt.prompt.length / 4),
      requestClass: prompt.category,
    })
    const result = router.decide({
      id,
      atMs,
      facts,
      candidates: arms as ArmId[],
      policy: shape.policy ?? { name: 'softmax', temperature: 0.1 },
      preferences: shape.preferences ?? { kind: 'exchange-rates' },
      floor: shape.floor ?? 0.1,
      explore: shape.explore ?? true,
    })
    if (result.kind !== 'decided') throw new Error('nothing is eligible')
    const { conversation: _, conservative: __, ...decision } = result.decision
    const outcome = prompt.outcomes.get(decision.arm) as ArmOutcome
    const quality = outcome.quality
    const totalMs = 300 + 10 * (outcome.outputTokens ?? 0)
    const isJudged = uniform() < (judgedShare?.(decision) ?? 1)
    if (learns) {
      const seen = { arm: decision.arm, succeeded: true, totalMs, outputTokens: outcome.outputTokens ?? 1 }
      router.learn(observationsFromOutcome(decision, seen, atMs, featureSpace.servingDimension))
      if (isJudged) router.learn([qualityObservation(decision, decision.arm, quality, atMs)])
    }
    const row: LoggedDecision = {
      ...decision,
      parentId: undefined,
      requestId: `request-${i}`,
      tenant: `tenant-${Math.floor(uniform() * tenants)}`,
      session: '',
      userHash: '',
      requestedModel: 'auto',
      surface: 'chat',
      stream: false,
      promptTokens: facts.promptTokens,
      metadata: {},
      servedArm: decision.arm,
      servedReason: 'drawn',
      attempts: [
        {
          decisionId: id,
          atMs,
          arm: decision.arm,
          index: 0,
          status: 'answered',
          upstreamStatus: 200,
          errorCode: '',
          finishReason: 'stop',
          ttftMs: undefined,
          totalMs,
          promptTokens: facts.promptTokens,
          cachedTokens: undefined,
          completionTokens: outcome.outputTokens,
          reasoningTokens: undefined,
          costUsd: outcome.costUsd,
          usageEstimated: false,
        },
      ],
      costUsd: outcome.costUsd,
      ttftMs: undefined,
      totalMs,
      completionTokens: outcome.outputTokens,
      finishReason: 'stop',
      rewards: isJudged
        ? [
            {
              rewardId: `reward-${i}`,
              decisionId: id,
              atMs: atMs + 500,
              metric: 'quality',
              value: quality,
              source: 'user',
              idempotencyKey: '',
              quality,
            },
          ]
        : [],
    }
    outcomes.set(id, prompt.outcomes)
    rows.push(tamper?.(row, i) ?? row)
  }
  return {
    featureSpace,
    router,
    rows,
    outcomes,
    truth: (distribution, good = 'quality') => {
      let total = 0
      for (const row of rows) {
        const probabilities = distribution(row)
        for (const [k, id] of row.eligible.entries()) {
          total += (probabilities[k] ?? 0) * (outcomes.get(row.id)?.get(id)?.[good] ?? 0)
        }
      }
      return total / rows.length
    },
  }
}

/** As an evaluation reads a log: from the beginning, as often as it likes. */
export function readable<T>(rows: readonly T[]): () => AsyncIterable<T> {
  return async function* () {
    yield* rows
  }
}
