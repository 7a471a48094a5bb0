/**
 * Marginalised inverse propensity scoring: weights of what arms have in common (provider, model family, size) rather than of
 * arms. w(x, e) = Π_d Σ_a π_e(a|x) p(e_d|a) / Π_d Σ_a π_b(a|x) p(e_d|a). Without bias where the reward depends on the arm
 * through its embedding e alone; the variance then grows with the number of kinds, not of arms.
 *
 * Saito & Joachims, "Off-policy evaluation for large action spaces via embeddings", ICML 2022 (arXiv:2202.06317).
 */
import { EvaluationError } from '../../errors.ts'
import { type RowValue, weighted } from './row-value.ts'
import type { RatioValue } from './self-normalised.ts'

export interface EmbeddedDecision {
  /** π_e(·|x) over the arms. */
  readonly target: ArrayLike<number>
  /** π_b(·|x) over the arms. */
  readonly logged: ArrayLike<number>
  /** e of the drawn arm: a category in each dimension. */
  readonly embedding: ArrayLike<number>
}

/** p(e_d = c | a), as `[arm][category c][dimension d]`. */
export type EmbeddingProbabilities = readonly (readonly ArrayLike<number>[])[]

/**
 * w(x, e) with known p(e|a): goes into a row in the place of π_e/π_b.
 *
 * @param dimensions of the embedding that are used; all of them where not given
 * @throws {EvaluationError} `eval_bad_propensity` where the log could not have had this embedding
 */
export function marginalWeight(
  { target, logged, embedding }: EmbeddedDecision,
  probabilities: EmbeddingProbabilities,
  dimensions: readonly number[] = Array.from({ length: embedding.length }, (_, d) => d),
): number {
  let above = 1
  let below = 1
  for (const dimension of dimensions) {
    let ofTarget = 0
    let ofLog = 0
    for (let arm = 0; arm < target.length; arm++) {
      const probability = probabilities[arm]?.[embedding[dimension]!]?.[dimension] ?? 0
      ofTarget += target[arm]! * probability
      ofLog += logged[arm]! * probability
    }
    above *= ofTarget
    below *= ofLog
  }
  if (below > 0) return above / below
  throw new EvaluationError(
    'eval_bad_propensity',
    `no arm that could have been drawn has the embedding [${Array.from(embedding).join(', ')}]`,
  )
}

/**
 * w(x, e) where p(e|a) is not known: Σ_a π_e(a|x)/π_b(a|x) · π̂_b(a|x, e), with the arm's probability given context and
 * embedding by a classifier. Arms that could not have been drawn count 0.
 */
export function marginalWeightByClassifier(
  { target, logged }: Pick<EmbeddedDecision, 'target' | 'logged'>,
  armGivenEmbedding: ArrayLike<number>,
): number {
  let weight = 0
  for (let arm = 0; arm < target.length; arm++) {
    const propensity = logged[arm]!
    if (propensity > 0) weight += (target[arm]! / propensity) * armGivenEmbedding[arm]!
  }
  return weight
}

/** mean(w r) with the marginal weight in the row. */
export const mips: RowValue = weighted('mips', (weight) => weight)

/** Σ w r / Σ w with the marginal weight in the row. */
export const snmips: RatioValue = { name: 'snmips', base: () => 0, gain: ({ reward }) => reward }
