/** Multinomial logistic regression on sparse rows. */

export interface Example {
  readonly indexes: readonly number[]
  readonly values: readonly number[]
  /** Index of the class. */
  readonly label: number
}

const STEP = 3
const ITERATIONS = 400
const NEGLIGIBLE = 1e-9

/**
 * Minimises the mean cross-entropy, every class weighing the same, plus `penalty`/2 · ‖W‖², by Nesterov's accelerated
 * gradient from zero: convex, no randomness, the same weights every time.
 *
 * @returns classes × features, by rows
 */
export function fitMultinomial(
  examples: readonly Example[],
  classes: number,
  features: number,
  penalty: number,
): Float64Array {
  const counts = new Float64Array(classes)
  for (const { label } of examples) counts[label]!++
  const size = classes * features
  const weights = new Float64Array(size)
  const before = new Float64Array(size)
  const ahead = new Float64Array(size)
  const gradient = new Float64Array(size)
  const scores = new Float64Array(classes)
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const momentum = iteration / (iteration + 3)
    for (let i = 0; i < size; i++) ahead[i] = weights[i]! + momentum * (weights[i]! - before[i]!)
    gradient.fill(0)
    for (const { indexes, values, label } of examples) {
      scores.fill(0)
      for (let k = 0; k < classes; k++) {
        for (let p = 0; p < indexes.length; p++) scores[k]! += ahead[k * features + indexes[p]!]! * values[p]!
      }
      const most = Math.max(...scores)
      const total = scores.reduce((sum, score) => sum + Math.exp(score - most), 0)
      for (let k = 0; k < classes; k++) {
        const probability = Math.exp(scores[k]! - most) / total
        const slope = (probability - Number(k === label)) / (classes * counts[label]!)
        if (Math.abs(slope) < NEGLIGIBLE) continue
        for (let p = 0; p < indexes.length; p++) gradient[k * features + indexes[p]!]! += slope * values[p]!
      }
    }
    for (let i = 0; i < size; i++) {
      before[i] = weights[i]!
      weights[i] = ahead[i]! - STEP * (gradient[i]! + penalty * ahead[i]!)
    }
  }
  return weights
}
