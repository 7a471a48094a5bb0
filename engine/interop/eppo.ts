/**
 * Contextual bandits as Eppo's SDKs evaluate them (BanditEvaluator of @eppo/js-client-sdk-common 4): linear scores per
 * action, inverse gap weights with a floor, a choice by hashed shards. A model that was trained there decides here as it
 * did, so that moving from one to the other can be checked decision by decision.
 */
import { md5Hex } from '../hash.ts'
import { ownValue } from '../own.ts'

export interface EppoAttributes {
  readonly numericAttributes: Readonly<Record<string, number>>
  readonly categoricalAttributes: Readonly<Record<string, string>>
}

interface NumericCoefficient {
  readonly attributeKey: string
  readonly coefficient: number
  readonly missingValueCoefficient: number
}

interface CategoricalCoefficient {
  readonly attributeKey: string
  readonly valueCoefficients: Readonly<Record<string, number>>
  readonly missingValueCoefficient: number
}

export interface EppoModel {
  readonly gamma: number
  /** Of an action without coefficients. */
  readonly defaultActionScore: number
  /** Over all actions together: each has at least floor/K. */
  readonly actionProbabilityFloor: number
  readonly coefficients: Readonly<
    Record<
      string,
      {
        readonly intercept: number
        readonly subjectNumericCoefficients: readonly NumericCoefficient[]
        readonly subjectCategoricalCoefficients: readonly CategoricalCoefficient[]
        readonly actionNumericCoefficients: readonly NumericCoefficient[]
        readonly actionCategoricalCoefficients: readonly CategoricalCoefficient[]
      }
    >
  >
}

export type EppoActions = Readonly<Record<string, EppoAttributes>>

const TOTAL_SHARDS = 10_000

/** Score of each action: intercept plus coefficients of numbers, values and of what is missing. */
export function eppoScores(
  subject: EppoAttributes,
  actions: EppoActions,
  model: EppoModel,
): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(actions).map(([key, action]) => {
      const coefficients = ownValue(model.coefficients, key)
      if (coefficients === undefined) return [key, model.defaultActionScore]
      const score =
        coefficients.intercept +
        ofNumbers(coefficients.subjectNumericCoefficients, subject) +
        ofCategories(coefficients.subjectCategoricalCoefficients, subject) +
        ofNumbers(coefficients.actionNumericCoefficients, action) +
        ofCategories(coefficients.actionCategoricalCoefficients, action)
      return [key, score]
    }),
  )
}

/**
 * max(1/(K + γ·gap), floor/K) for every action but the best, which gets the rest. Unlike with an additive floor, the
 * minimum comes out of the best action's share alone.
 */
export function eppoWeights(
  scores: ReadonlyMap<string, number>,
  { gamma, actionProbabilityFloor }: Pick<EppoModel, 'gamma' | 'actionProbabilityFloor'>,
): ReadonlyMap<string, number> {
  const ranked = [...scores].sort(([a, scoreA], [b, scoreB]) => scoreB - scoreA || (a < b ? -1 : 1))
  const [best, ...others] = ranked
  if (best === undefined) return new Map()
  const K = scores.size
  const weights = new Map<string, number>()
  let rest = 1
  for (const [key, score] of others) {
    const weight = Math.max(1 / (K + gamma * (best[1] - score)), actionProbabilityFloor / K)
    weights.set(key, weight)
    rest -= weight
  }
  return weights.set(best[0], Math.max(rest, 0))
}

/** The action for this subject: actions in an order of its own, the first whose running weight exceeds its shard. */
export function eppoSelect(
  flagKey: string,
  subjectKey: string,
  weights: ReadonlyMap<string, number>,
): string | undefined {
  const shuffled = [...weights.keys()]
    .map((key) => ({ key, shard: shardOf(`${flagKey}-${subjectKey}-${key}`) }))
    .sort((a, b) => a.shard - b.shard || (a.key < b.key ? -1 : 1))
  const shard = shardOf(`${flagKey}-${subjectKey}`) / TOTAL_SHARDS
  let running = 0
  for (const { key } of shuffled) {
    running += weights.get(key) ?? 0
    if (running > shard) return key
  }
  return shuffled.at(-1)?.key
}

function ofNumbers(
  coefficients: readonly NumericCoefficient[],
  { numericAttributes }: EppoAttributes,
): number {
  let total = 0
  for (const { attributeKey, coefficient, missingValueCoefficient } of coefficients) {
    const value = ownValue(numericAttributes, attributeKey)
    total += value !== undefined && Number.isFinite(value) ? coefficient * value : missingValueCoefficient
  }
  return total
}

function ofCategories(
  coefficients: readonly CategoricalCoefficient[],
  { categoricalAttributes }: EppoAttributes,
): number {
  let total = 0
  for (const { attributeKey, valueCoefficients, missingValueCoefficient } of coefficients) {
    const value = ownValue(categoricalAttributes, attributeKey)
    total += (value !== undefined ? ownValue(valueCoefficients, value) : undefined) ?? missingValueCoefficient
  }
  return total
}

function shardOf(text: string): number {
  return Number.parseInt(md5Hex(text).slice(0, 8), 16) % TOTAL_SHARDS
}
