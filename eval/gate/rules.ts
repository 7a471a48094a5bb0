/** What has to be shown of a policy before it may have traffic: the rules as data. */
import type { ValueName } from '../off-policy/types.ts'

/** Values of which less is better. */
const LESS_IS_BETTER: ReadonlySet<ValueName> = new Set(['cost_usd', 'latency_ms'])

export function isLessBetter(value: ValueName): boolean {
  return LESS_IS_BETTER.has(value)
}

/** How much worse than the incumbent a policy may be in one value, at the worse end of the interval. */
export type Guardrail = { readonly value: ValueName } & (
  | {
      /** In the value's own unit, ≥ 0. */
      readonly worseBy: number
    }
  | {
      /** As a share of what the log had of it, ≥ 0: 0.1 is ten percent. */
      readonly worseByShare: number
    }
)

export interface GateRules {
  /** The value in which a policy must be better for sure. */
  readonly objective: ValueName
  readonly guardrails: readonly Guardrail[]
  /** Older evaluations say nothing of today, ms. */
  readonly maxAgeMs: number
  /** Effective sample size of the weights, at least. */
  readonly minEss: number
  /** The same as a share of the decisions in the log, [0, 1]. */
  readonly minEssShare: number
  /** Of the mean weight's distance from 1, in standard errors, at most. */
  readonly maxMeanWeightZ: number
}

/** Of calls that answer, by this much fewer is still well. */
export const DEFAULT_SUCCESS_WORSE_BY = 0.02

/** Of what off-policy estimators have shown to need: coverage fails below such samples, and weights that do not average 1 are wrong. */
export const DEFAULT_GATE_RULES: GateRules = {
  objective: 'utility',
  guardrails: [{ value: 'success', worseBy: DEFAULT_SUCCESS_WORSE_BY }],
  maxAgeMs: 7 * 86_400_000,
  minEss: 200,
  minEssShare: 0.01,
  maxMeanWeightZ: 3,
}
