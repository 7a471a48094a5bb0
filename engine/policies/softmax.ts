import type { PolicySpec } from '../types.ts'
import { bestMean, type Policy } from './policy.ts'

/** Five points of quality make an arm e times as likely. */
export const DEFAULT_TEMPERATURE = 0.05

/** In proportion to exp(mean utility / temperature): Boltzmann exploration (Sutton & Barto 2018, 13.1). */
export const softmax: Policy<Extract<PolicySpec, { name: 'softmax' }>> = {
  name: 'softmax',
  distribution({ utilityMean }, { temperature = DEFAULT_TEMPERATURE }) {
    const most = Math.max(...utilityMean)
    const weights = utilityMean.map((mean) => Math.exp((mean - most) / temperature))
    let total = 0
    for (const weight of weights) total += weight
    return weights.map((weight) => weight / total)
  },
  exploit: bestMean,
}
