/** The standard normal quantile, and the interval of a mean by the central limit theorem. */
import { normalCdfExact } from '../../engine/index.ts'
import { around, type IntervalOfMean } from './interval.ts'

/**
 * The z with Φ(z) = `probability`, in (0, 1), to about 1e-14: the rational approximation of Abramowitz & Stegun 26.2.23
 * (4.5e-4), then Halley's method, which cubes the error.
 */
export function normalQuantile(probability: number): number {
  if (probability > 0.5) return -normalQuantile(1 - probability)
  const t = Math.sqrt(-2 * Math.log(probability))
  let z =
    (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t
  for (let step = 0; step < 3; step++) {
    const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)
    if (density === 0) break
    const newton = (normalCdfExact(z) - probability) / density
    z -= newton / (1 + 0.5 * z * newton)
  }
  return z
}

/** mean ± z_{(1 + level)/2} · standard error. */
export const normalInterval: IntervalOfMean = ({ mean, standardError }, level) =>
  around(mean, -normalQuantile((1 - level) / 2) * standardError)
