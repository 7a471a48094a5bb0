import type { PolicySpec } from '../types.ts'
import { argmax, bestMean, type Policy } from './policy.ts'

/** The best mean utility with probability 1 − ε, any eligible arm evenly with ε (Sutton & Barto 2018, 2.2). */
export const epsilonGreedy: Policy<Extract<PolicySpec, { name: 'epsilon-greedy' }>> = {
  name: 'epsilon-greedy',
  distribution({ arms, utilityMean }, { epsilon }) {
    const distribution = new Float64Array(arms.length).fill(epsilon / arms.length)
    distribution[argmax(utilityMean)]! += 1 - epsilon
    return distribution
  },
  exploit: bestMean,
}
