/** What is known of an experiment at one moment, with what it means. The JSON of its report is this. */
export interface TestReadout {
  readonly pValue: number
  readonly lo: number
  readonly hi: number
}

/** One metric of one variant against the control. Effects are relative to the control's value unless it is 0. */
export interface Comparison {
  readonly metric: string
  readonly role: 'primary' | 'secondary' | 'guardrail'
  readonly better: 'higher' | 'lower'
  readonly variant: string
  readonly control: { readonly n: number; readonly value: number }
  readonly treatment: { readonly n: number; readonly value: number }
  readonly scale: 'relative' | 'absolute'
  readonly effect: number
  readonly se: number
  /** In the metric's own unit. */
  readonly difference: number
  /** Holds at every look: read this while the experiment runs. */
  readonly alwaysValid: TestReadout & { readonly eValue: number }
  /** Holds at one look, at the planned size. */
  readonly fixed: TestReadout
  /** Always-valid p-value after correction for the other comparisons of its role. */
  readonly adjustedPValue: number
  readonly bayes: {
    readonly chanceToBeBetter: number
    readonly expectedLoss: number
    readonly lo: number
    readonly hi: number
  }
  /** Share of the variance that the covariate took out. */
  readonly varianceReduction: number
  readonly weighting: 'none' | 'inverse_propensity'
  /** Values beyond this counted as it. */
  readonly cappedAt?: number | undefined
  readonly verdict: 'better' | 'worse' | 'harm' | 'no_difference_yet' | 'too_few_units'
  /** The same in words. */
  readonly says: string
}

export interface MissingComparison {
  readonly metric: string
  readonly variant: string
  readonly why: string
}

export type AlarmCode = 'sample_ratio_mismatch' | 'missing_outcomes' | 'crossover'
export interface Alarm {
  readonly code: AlarmCode
  readonly message: string
}

export interface SegmentReadout {
  readonly by: 'class' | 'tenant' | 'day'
  readonly variant: string
  readonly metric: string
  /** p-value of "the effect is the same in all of them"; looks at once, so a reason to look closer and no more. */
  readonly heterogeneityPValue: number
  readonly segments: readonly {
    readonly segment: string
    readonly n: number
    readonly effect: number
    readonly lo: number
    readonly hi: number
  }[]
}

export interface Readout {
  readonly experiment: string
  readonly hypothesis: string
  /** draft, running, paused, stopped, archived */
  readonly status: string
  readonly run: number
  readonly unit: string
  readonly atMs: number
  readonly startedMs: number | undefined
  readonly days: number
  readonly alpha: number
  readonly plannedUnits: number
  readonly allocation: string
  readonly variants: readonly {
    readonly variant: string
    readonly policy: string
    readonly weight: number
    readonly units: number
    readonly requests: number
    readonly stopped?: string | undefined
  }[]
  /** Any of them: no number below can be believed before its cause is found. */
  readonly alarms: readonly Alarm[]
  readonly sampleRatio: {
    readonly chi2: number
    readonly degrees: number
    readonly pValue: number
    /** Holds at every look. */
    readonly sequentialPValue: number
  }
  readonly comparisons: readonly Comparison[]
  readonly missing: readonly MissingComparison[]
  readonly segments: readonly SegmentReadout[]
  readonly power:
    | {
        /** Of the primary metric: the smallest effect that the units so far would show with probability 0.8, relative. */
        readonly detectable: number
        /** For the declared effect: further units over those there are; null where it can never be. */
        readonly furtherUnits: number | undefined
        readonly furtherDays: number | undefined
      }
    | undefined
  readonly conclusion:
    | {
        readonly atMs: number
        readonly kind: string
        readonly winner?: string | undefined
        readonly reason: string
      }
    | undefined
  readonly verdict: {
    readonly kind: 'blocked' | 'too_early' | 'winner' | 'harm' | 'undecided'
    readonly winner?: string | undefined
    readonly says: string
  }
}
