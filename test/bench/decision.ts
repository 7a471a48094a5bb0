/**
 * One decision and one update on one core: dense contexts (no zero to skip), every arm with its own history, Thompson
 * sampling with exact propensities, cost and latency in the utility. The feature space is the real one's shape: the
 * quality head sees all d coordinates, the serving heads the first 24.
 */
import {
  type ArmId,
  createRouter,
  type DecideRequest,
  type DecisionId,
  type FeatureSpace,
  type FeatureSpaceId,
  observationsFromOutcome,
  qualityObservation,
  type Router,
} from '../../engine/index.ts'
import { arm, facts, gaussian, seeded } from '../helpers/engine.ts'
import { type BenchResult, throughput } from './report.ts'

const SERVING_DIMENSION = 24
const CONTEXTS = 512
const HISTORY = 200

export function benchDecision(options: { readonly table: boolean }): BenchResult[] {
  const results = [...measure(8, 64)]
  if (options.table) {
    for (const arms of [2, 4, 16, 32, 64]) results.push(...measure(arms, 64))
    for (const d of [16, 32, 128, 256]) results.push(...measure(8, d))
  }
  return results
}

function measure(arms: number, dimension: number): BenchResult[] {
  const router = experiencedRouter(arms, dimension)
  const requests = Array.from(
    { length: CONTEXTS },
    (_, i): DecideRequest => ({
      id: `01890000-0000-7000-8000-${i.toString(16).padStart(12, '0')}` as DecisionId,
      atMs: 1e6,
      facts: facts({ turns: i }),
      candidates: [...router.arms.keys()],
      policy: { name: 'thompson' },
      preferences: { kind: 'exchange-rates', usdPerQualityPoint: 0.001, secondsPerQualityPoint: 2 },
    }),
  )
  let checksum = 0
  const decisions = throughput((i) => {
    const result = router.decide(requests[i % CONTEXTS] as DecideRequest)
    if (result.kind === 'decided') checksum += result.decision.propensity
  })
  const examples = requests.map((request) => {
    const result = router.decide(request)
    if (result.kind !== 'decided') throw new Error('nothing eligible')
    return qualityObservation(result.decision, result.decision.arm, 0.7, 1e6)
  })
  const updates = throughput((i) => router.learn([examples[i % CONTEXTS] as (typeof examples)[number]]))
  if (!Number.isFinite(checksum)) throw new Error('a propensity is not a number')
  const shape = `${arms} arms, d = ${dimension}, dense contexts, median of 5 rounds of 0.6 s of CPU time`
  const suffix = arms === 8 && dimension === 64 ? '' : ` (${arms} arms, d = ${dimension})`
  return [
    {
      name: `decision${suffix}`,
      value: decisions,
      unit: 'decisions/s',
      method: `thompson, exact propensities; ${shape}`,
    },
    {
      name: `update${suffix}`,
      value: updates,
      unit: 'updates/s',
      method: `one quality observation; ${shape}`,
    },
  ]
}

/** A router whose heads have all seen data, in a space where every coordinate of every context is non-zero. */
function experiencedRouter(arms: number, dimension: number): Router {
  const ids = Array.from({ length: arms }, (_, i) => `bench/arm-${i.toString().padStart(2, '0')}`)
  const router = createRouter({ arms: ids.map((id) => arm(id)), featureSpace: denseSpace(dimension) })
  for (const [k, id] of ids.entries()) {
    const uniform = seeded(k + 1)
    for (let i = 0; i < HISTORY; i++) {
      const result = router.decide({
        id: `01890000-0000-7000-8000-${(1e6 + i).toString(16).padStart(12, '0')}` as DecisionId,
        atMs: 1e6,
        facts: facts({ turns: i }),
        candidates: [id as ArmId],
        policy: { name: 'thompson' },
        preferences: { kind: 'exchange-rates' },
      })
      if (result.kind !== 'decided') throw new Error('nothing eligible')
      const quality = Math.min(1, Math.max(0, 0.6 + 0.02 * k + 0.2 * gaussian(uniform)))
      router.learn([
        qualityObservation(result.decision, id as ArmId, quality, 1e6),
        ...observationsFromOutcome(
          result.decision,
          { arm: id as ArmId, succeeded: true, ttftMs: 300 + 50 * k, totalMs: 2_000, outputTokens: 100 + i },
          1e6,
          router.featureSpace.servingDimension,
        ),
      ])
    }
  }
  return router
}

/** Contexts by number of turns, all coordinates drawn from N(0, 0.3²) with x[0] = 1. */
function denseSpace(dimension: number): FeatureSpace {
  const uniform = seeded(99)
  const contexts = Array.from({ length: CONTEXTS }, () => {
    const x = Float64Array.from({ length: dimension }, () => 0.3 * gaussian(uniform))
    x[0] = 1
    return x
  })
  return {
    id: `dense-${dimension}` as FeatureSpaceId,
    dimension,
    servingDimension: Math.min(SERVING_DIMENSION, dimension),
    names: Array.from({ length: dimension }, (_, i) => `dense:${i}`),
    blocks: Array.from({ length: dimension }, (_, i) =>
      i === 0 ? 'intercept' : i < 24 ? 'structure' : 'text',
    ),
    classes: [],
    vector: ({ turns }) => contexts[turns % CONTEXTS] as Float64Array,
  }
}
