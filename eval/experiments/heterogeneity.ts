/** Whether groups differ: in their effects, or in how much of them is missing. */
import { chiSquareUpperTail } from '../distributions.ts'

export interface ChiSquare {
  readonly chi2: number
  readonly degrees: number
  readonly pValue: number
}

/**
 * Cochran's Q (1954): whether the effects of several groups scatter more than their standard errors allow.
 *
 * @param effects of at least two groups, each se > 0; fewer say nothing, with a p-value of 1
 */
export function effectHeterogeneity(
  effects: readonly { readonly estimate: number; readonly se: number }[],
): ChiSquare {
  const weights = effects.map(({ se }) => 1 / (se * se))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const mean = effects.reduce((sum, { estimate }, k) => sum + estimate * weights[k]!, 0) / total
  const chi2 = effects.reduce((sum, { estimate }, k) => sum + weights[k]! * (estimate - mean) ** 2, 0)
  return result(effects.length < 2 ? 0 : chi2, effects.length - 1)
}

/** Pearson's χ² of a table of groups by "there" and "not there"; groups of nothing are left out. */
export function shareDifference(
  groups: readonly { readonly count: number; readonly of: number }[],
): ChiSquare {
  const seen = groups.filter(({ of }) => of > 0)
  const all = seen.reduce((sum, { of }) => sum + of, 0)
  const share = seen.reduce((sum, { count }) => sum + count, 0) / all
  if (seen.length < 2 || share === 0 || share === 1) return result(0, 0)
  const chi2 = seen.reduce(
    (sum, { count, of }) => sum + (count - of * share) ** 2 / (of * share * (1 - share)),
    0,
  )
  return result(chi2, seen.length - 1)
}

function result(chi2: number, degrees: number): ChiSquare {
  return degrees < 1
    ? { chi2: 0, degrees: 0, pValue: 1 }
    : { chi2, degrees, pValue: chiSquareUpperTail(chi2, degrees) }
}
