/**
 * Which dimensions of an embedding marginalised IPS is to use: fewer have smaller weights and, unless the reward depends on the
 * arm through them alone, a bias. Chosen by SLOPE; as with any choice made from the log, the interval of what was chosen does
 * not have its bias in it, so that the distance to all dimensions comes with it.
 *
 * Saito & Joachims 2022 (arXiv:2202.06317), section 3.4, on Tucker & Lee 2021.
 */
import { EvaluationError } from '../errors.ts'
import { DEFAULT_LEVEL } from '../intervals/interval.ts'
import { RunningMoments } from '../intervals/running-moments.ts'
import { studentQuantile } from '../intervals/student-t.ts'
import { checkLevel, within } from '../option.ts'
import { type EmbeddedDecision, type EmbeddingProbabilities, marginalWeight } from './estimators/mips.ts'
import { estimateOf } from './tuning.ts'
import type { Estimate } from './types.ts'

export interface PruningOptions {
  /** `exact` tries all subsets of a size before smaller ones; `greedy` drops one dimension at a time. @default exact */
  readonly search?: 'exact' | 'greedy'
  /** Half-widths are Student t's at 1 − δ/2. @default 0.05 */
  readonly delta?: number
  /** Dimensions that are kept at least, ≥ 1. @default 1 */
  readonly fewest?: number
  /** @default 0.95 */
  readonly level?: number
}

export interface PrunedEmbedding {
  readonly dimensions: readonly number[]
  /** Its interval is for the value with these dimensions. */
  readonly estimate: Estimate
  /** Value with these dimensions minus the value with all, and its interval, on the same rows. */
  readonly bias: Estimate
  /** What SLOPE accepted, from all dimensions to the choice; rejected ones end it. */
  readonly accepted: readonly {
    readonly dimensions: readonly number[]
    readonly value: number
    readonly halfWidth: number
  }[]
}

interface Subset {
  readonly dimensions: readonly number[]
  readonly values: RunningMoments
  readonly biases: RunningMoments
  readonly halfWidth: number
}

/**
 * @param decisions at least two
 * @throws {EvaluationError} `eval_no_rows` for fewer, `eval_bad_option`, and as {@link marginalWeight}
 */
export function pruneEmbedding(
  decisions: readonly (EmbeddedDecision & { readonly reward: number })[],
  probabilities: EmbeddingProbabilities,
  { search = 'exact', delta = 0.05, fewest = 1, level = DEFAULT_LEVEL }: PruningOptions = {},
): PrunedEmbedding {
  checkLevel(1 - delta)
  checkLevel(level)
  if (decisions.length < 2) {
    throw new EvaluationError('eval_no_rows', `pruning takes at least two decisions, got ${decisions.length}`)
  }
  const all = Array.from({ length: decisions[0]!.embedding.length }, (_, dimension) => dimension)
  within('the fewest dimensions', fewest, 1, all.length)
  const t = studentQuantile(1 - delta, decisions.length - 1)
  const full = decisions.map((decision) => marginalWeight(decision, probabilities))
  const measure = (dimensions: readonly number[]): Subset => {
    const values = new RunningMoments()
    const biases = new RunningMoments()
    for (const [i, decision] of decisions.entries()) {
      const weight = marginalWeight(decision, probabilities, dimensions)
      values.add(weight * decision.reward)
      biases.add((weight - full[i]!) * decision.reward)
    }
    return { dimensions, values, biases, halfWidth: values.standardError * t }
  }

  const accepted = [measure(all)]
  const agrees = ({ values, halfWidth }: Subset) =>
    accepted.every(
      (wider) =>
        Math.abs(wider.values.mean - values.mean) <= halfWidth + (Math.sqrt(6) - 1) * wider.halfWidth,
    )
  let kept = all
  sizes: for (let size = all.length - 1; size >= fewest; size--) {
    const subsets =
      search === 'exact' ? combinations(all, size) : kept.map((dropped) => without(kept, dropped))
    const byWidth = subsets
      .map(measure)
      .sort((a, b) => a.halfWidth - b.halfWidth)
      .reverse()
    for (const subset of byWidth) {
      if (!agrees(subset)) break sizes
      accepted.push(subset)
    }
    // The narrowest of a size is what greedy goes on from.
    kept = [...accepted.at(-1)!.dimensions]
  }
  const { dimensions, values, biases } = accepted.at(-1)!
  return {
    dimensions,
    estimate: estimateOf(values, level),
    bias: estimateOf(biases, level),
    accepted: accepted.map((subset) => ({
      dimensions: subset.dimensions,
      value: subset.values.mean,
      halfWidth: subset.halfWidth,
    })),
  }
}

function combinations(from: readonly number[], size: number): readonly (readonly number[])[] {
  if (size === 0) return [[]]
  return from.flatMap((first, index) =>
    combinations(from.slice(index + 1), size - 1).map((rest) => [first, ...rest]),
  )
}

function without(dimensions: readonly number[], dropped: number): readonly number[] {
  return dimensions.filter((dimension) => dimension !== dropped)
}
