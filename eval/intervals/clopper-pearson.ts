/** The exact interval of a proportion. */
import { incompleteBeta } from '../../engine/index.ts'

/** The x with I_x(a, b) = `probability`, in (0, 1): by bisection to the precision of a double. */
export function betaQuantile(probability: number, a: number, b: number): number {
  let low = 0
  let high = 1
  // Halving the distance to 0 needs no more steps than a double has exponents.
  for (let halving = 0; halving < 1_100; halving++) {
    const middle = (low + high) / 2
    if (middle === low || middle === high) break
    if (incompleteBeta(middle, a, b) < probability) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/**
 * Clopper & Pearson 1934, "The use of confidence or fiducial limits": covers at least at `level`, for any proportion.
 *
 * @param successes in [0, trials]; as `trials`, need not be whole
 * @param level in (0, 1)
 * @returns `[lo, hi]` in [0, 1]
 */
export function clopperPearson(successes: number, trials: number, level: number): readonly [number, number] {
  const tail = (1 - level) / 2
  const lo = successes > 0 ? betaQuantile(tail, successes, trials - successes + 1) : 0
  const hi = successes < trials ? betaQuantile(1 - tail, successes + 1, trials - successes) : 1
  return [lo, hi]
}
