/** What an experiment is, as it was declared: who takes part, between which policies, by what it is judged. */
import type { Measure } from '../../adapters/index.ts'
import type { PolicySpec } from '../../engine/index.ts'
import type { Namespace, RampStep, Targeting, Unit } from './assignment.ts'

/** Whose policy decides for a variant's units. */
export type VariantPolicy =
  /** What would decide without the experiment. */
  | { readonly kind: 'current' }
  /** Settings of a policy over what is learned by all. */
  | { readonly kind: 'settings'; readonly policy: PolicySpec; readonly floor?: number | undefined }
  /** A policy file on record, by its hash. */
  | { readonly kind: 'file'; readonly hash: string }

export interface Variant {
  readonly key: string
  /** Share of the units; all together 1. */
  readonly weight: number
  readonly policy: VariantPolicy
}

export const STATISTICS = ['mean', 'p50', 'p95'] as const
export const METRIC_ROLES = ['primary', 'secondary', 'guardrail'] as const

export interface ExperimentMetric {
  readonly name: string
  readonly measure: Measure
  /** Of `reward` only. */
  readonly reward?: string | undefined
  /** Of `utility` only: what a dollar, a second and a failed call take from it. */
  readonly rates?:
    | { readonly perUsd: number; readonly perSecond: number; readonly perFailure: number }
    | undefined
  /** Quantiles of `ttft_ms`, `total_ms` and `cost_usd` only. */
  readonly statistic: (typeof STATISTICS)[number]
  readonly better: 'higher' | 'lower'
  readonly role: (typeof METRIC_ROLES)[number]
  /** Of a guardrail: this much worse, as a share of the control's value, is still no harm. */
  readonly margin: number
  /** Values beyond the highest of the variants' quantiles at this level count as it. Undefined: none do. */
  readonly winsorizeAt?: number | undefined
}

export const ALLOCATIONS = ['fixed', 'top_two', 'track_and_stop'] as const

export interface ExperimentDefinition {
  readonly key: string
  readonly hypothesis: string
  readonly unit: Unit
  /** The first is the control. */
  readonly variants: readonly Variant[]
  readonly targeting: Targeting
  readonly coverage: number
  readonly ramp: readonly RampStep[]
  readonly namespace?: Namespace | undefined
  readonly holdout?: { readonly name: string; readonly share: number } | undefined
  /** One of them is primary. */
  readonly metrics: readonly ExperimentMetric[]
  /** Error of the primary comparison, all its variants together, two-sided. */
  readonly alpha: number
  /** Units of all variants together at which it was planned to be read; always-valid intervals are tightest there. */
  readonly plannedUnits: number
  /** Of the primary metric, as a share of the control's value: what it should be able to find. */
  readonly mde?: number | undefined
  /** It ends by itself then, whatever is found. */
  readonly maxDays: number
  /** Ends by itself when a variant has won. */
  readonly stopOnSuccess: boolean
  /** Adaptive: weights follow what is found, and the analysis weights by the inverse of each unit's probability. */
  readonly allocation: (typeof ALLOCATIONS)[number]
  /** Adaptive allocation leaves each variant at least this. */
  readonly minShare: number
  readonly covariate: 'none' | 'prompt' | 'before'
  /** Of relative effects on the primary metric, normal; undefined: a flat one. */
  readonly prior?: { readonly mean: number; readonly sd: number } | undefined
}

export function controlOf({ variants }: ExperimentDefinition): Variant {
  const [control] = variants
  if (control === undefined) throw new Error('an experiment has variants')
  return control
}

export function primaryOf({ metrics }: ExperimentDefinition): ExperimentMetric {
  const primary = metrics.find(({ role }) => role === 'primary')
  if (primary === undefined) throw new Error('an experiment has a primary metric')
  return primary
}
