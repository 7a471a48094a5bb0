/** One decision under both policies, for every value that the log has. */
import type { Preferences, UtilityRates } from '../../engine/index.ts'
import type { PairedRow } from './estimators/paired-difference.ts'
import { type EvaluationRow, pointOf, ratesOf } from './evaluation-row.ts'
import { type Goods, type Realised, realised, utilityOf } from './logged-row.ts'
import type { ResponseCounts } from './response.ts'
import { foldOf, type RewardModel } from './reward-model.ts'
import { importanceWeight } from './row.ts'
import type { SurveyState } from './survey.ts'
import type { TargetPolicy } from './target.ts'
import { VALUES, type ValueName } from './types.ts'

export interface Judged {
  readonly target: TargetPolicy
  /** What it is compared with. */
  readonly against: TargetPolicy
}

/** What a first pass over the log has learned. */
export interface Learned {
  readonly model: RewardModel
  readonly folds: number
  readonly responses: ResponseCounts
  readonly preferences: Preferences | undefined
  /** The least and the largest that was told of each value. */
  readonly ranges: SurveyState['ranges']
}

export interface ScoredRow {
  readonly row: EvaluationRow
  /** Index of the drawn arm in `row.eligible`. */
  readonly drawn: number
  /** π_e and π_0 over the eligible arms; the latter undefined where it is the log's, which tells only the drawn arm's. */
  readonly target: Float64Array
  readonly against: Float64Array | undefined
  /** π_e(a|x) / π_b(a|x), whether or not anything was told of the row. */
  readonly weight: number
  /** π_0(a|x) / π_b(a|x). */
  readonly againstWeight: number
  readonly realised: Realised
  /** What the model expects of the drawn arm. */
  readonly expected: Realised
  /** Σ_a π_e(a|x) q̂(x, a). */
  readonly expectedTarget: Realised
  readonly expectedAgainst: Realised
}

const NOTHING: Realised = {
  utility: undefined,
  quality: undefined,
  cost_usd: undefined,
  latency_ms: undefined,
  success: undefined,
}

/** @throws {EvaluationError} for a propensity that is none, or a target that has no distribution for the row */
export function scoreRow(row: EvaluationRow, { target, against }: Judged, learned: Learned): ScoredRow {
  const drawn = row.eligible.indexOf(row.arm)
  const distribution = target.isLog ? logged(row) : target.distribution(row)
  const other = against.isLog ? row.probabilities : against.distribution(row)
  const rates = ratesOf(row, learned.preferences)
  const point = pointOf(row)
  const fold = foldOf(row.id, learned.folds)
  const expectations = row.eligible.map((arm) => worthOf(learned.model.predict(point, fold, arm), rates))
  const expected = expectations[drawn] ?? NOTHING
  return {
    row,
    drawn,
    target: distribution,
    against: other,
    weight: target.isLog ? 1 : importanceWeight(distribution[drawn] ?? 0, row.propensity),
    againstWeight: against.isLog ? 1 : importanceWeight(other?.[drawn] ?? 0, row.propensity),
    realised: realised(row, rates),
    expected,
    expectedTarget: mean(distribution, expectations),
    expectedAgainst: other === undefined ? expected : mean(other, expectations),
  }
}

/**
 * The row for the estimators. Where the value was not told, its weight is 0 and the model speaks for it; where it was, the row stands
 * for those of its kind of which it was not.
 */
export function pairedRow(scored: ScoredRow, value: ValueName, { responses, ranges }: Learned): PairedRow {
  const { row, weight, againstWeight, realised: told } = scored
  const predicted = scored.expected[value] ?? 0
  const reward = told[value]
  // What counts for nothing is still a reward, and rewards have bounds.
  const unheard = Math.min(Math.max(predicted, ranges[value][0]), ranges[value][1])
  const share = reward === undefined ? 1 : responses.probability(row.requestClass, row.arm, value)
  const standsFor = reward === undefined ? 0 : 1 / share
  return {
    target: {
      weight: weight * standsFor,
      reward: reward ?? unheard,
      predicted,
      predictedTarget: scored.expectedTarget[value] ?? 0,
    },
    incumbent: {
      weight: againstWeight * standsFor,
      reward: reward ?? unheard,
      predicted,
      predictedTarget: scored.expectedAgainst[value] ?? 0,
    },
  }
}

/** The same with what was not told taken for `assumed`. */
export function assumedRow(scored: ScoredRow, value: ValueName, assumed: number): PairedRow {
  const predicted = scored.expected[value] ?? 0
  const reward = scored.realised[value] ?? assumed
  const common = { reward, predicted }
  return {
    target: { ...common, weight: scored.weight, predictedTarget: scored.expectedTarget[value] ?? 0 },
    incumbent: {
      ...common,
      weight: scored.againstWeight,
      predictedTarget: scored.expectedAgainst[value] ?? 0,
    },
  }
}

function logged({ probabilities, eligible, arm }: EvaluationRow): Float64Array {
  return probabilities ?? Float64Array.from(eligible, (id) => (id === arm ? 1 : 0))
}

function worthOf(goods: Goods, rates: UtilityRates): Realised {
  return {
    quality: goods.quality,
    cost_usd: goods.costUsd,
    latency_ms: goods.latencyMs,
    success: goods.success,
    utility: utilityOf(goods, rates),
  }
}

function mean(distribution: Float64Array, expectations: readonly Realised[]): Realised {
  const sums: Record<ValueName, number | undefined> = { ...NOTHING }
  for (const value of VALUES) {
    let sum = 0
    for (let k = 0; k < distribution.length; k++) {
      const expectation = expectations[k]?.[value]
      // A good of which nobody told has no expectation for any arm.
      if (expectation !== undefined) sum += distribution[k]! * expectation
    }
    sums[value] = expectations[0]?.[value] === undefined ? undefined : sum
  }
  return sums
}
