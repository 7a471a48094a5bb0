/**
 * What the off-policy estimators share. A logged decision becomes one {@link EstimatorRow} of a few numbers; an estimator is
 * sums over such rows, so that shards of a log, read by several threads or machines, merge by addition.
 */

/**
 * One logged decision under a target policy. With one value (quality, utility, cost, …) judged at a time, a row per value.
 *
 * Words as in the literature: logging policy π_b, target policy π_e, drawn arm a, context x, reward r.
 */
export interface EstimatorRow {
  /** w = π_e(a|x) / π_b(a|x) ≥ 0. */
  readonly weight: number
  /** r, in the unit of the value that is judged. */
  readonly reward: number
  /** q̂(x, a): what a reward model that has not seen this row expects of the drawn arm; `reward`'s unit. */
  readonly predicted: number
  /** Σ_a π_e(a|x) q̂(x, a): what it expects of the target policy. */
  readonly predictedTarget: number
}

/** A value with its interval, as reports write it; a bound that cannot be had is ±Infinity, never NaN. */
export interface Estimate {
  readonly value: number
  readonly lo: number
  readonly hi: number
}

/** What an estimator with shrunk weights says: its interval is for the biased value. */
export interface ShrunkEstimate extends Estimate {
  /** By how much shrinking the weights moves the value on the same rows. */
  readonly bias: Estimate
}

/**
 * Sums over rows in constant memory. `merge` of estimators of the parts of a log gives that of the whole log, and so does
 * `mergeState` of what another thread or machine has sent.
 */
export interface Estimator<Row = EstimatorRow> {
  /** Which estimator, with its settings, as in `switch_dr(10)`: two merge only where this is the same. */
  readonly name: string
  /** @throws {EvaluationError} `eval_bad_row` for a negative weight or a number that is not finite; nothing was added then */
  add(row: Row): void
  /** @throws {EvaluationError} `eval_bad_option` where the other has other settings */
  merge(other: this): void
  /** The sums as plain numbers, fit for JSON or a message to another thread. */
  state(): EstimatorState
  /** @throws {EvaluationError} `eval_bad_option` where the state is of another estimator or other settings */
  mergeState(state: EstimatorState): void
  /**
   * @param level share of repetitions in which the interval is meant to hold the true value, in (0, 1)
   * @returns undefined where there is no estimate: no rows, or none that the target policy could have had. Never a made-up 0
   */
  get(level?: number): Estimate | undefined
}

export interface EstimatorState {
  readonly name: string
  readonly sums: readonly number[]
}

/** What is judged of a policy. `utility` is under stated preferences; the others are in their own units. */
export const VALUES = ['utility', 'quality', 'cost_usd', 'latency_ms', 'success'] as const
export type ValueName = (typeof VALUES)[number]

/** Why there is no estimate, or why one needs care; codes are stable. */
export interface Reason {
  readonly code: string
  /** What was found, against which floor, and what to log or change to get an estimate. */
  readonly message: string
}

/** An evaluation as JSON: what scripts rely on, what the store records and what the promotion gate reads. */
export interface EvaluationJson {
  /** Of the policy that is judged. */
  readonly target: string
  /** Hash of the policy file that is judged; absent for a policy that is only a name. */
  readonly targetHash?: string
  readonly logged: { readonly n: number; readonly from: string; readonly to: string }
  /** True: no number here may be relied on, for the `reasons`. */
  readonly refused: boolean
  readonly reasons: readonly Reason[]
  /** Of the objective, by estimator: `dr`, `snips`, `cressie_read`, `ips`, … */
  readonly estimates: Readonly<Record<string, Estimate>>
  /** Which of {@link VALUES} the estimates are of. */
  readonly objective: ValueName
  /** Every value that the log has, by the headline estimator: of the target, of the log itself, and their paired difference. */
  readonly values: Readonly<
    Partial<
      Record<
        ValueName,
        { readonly target: Estimate; readonly logged: Estimate; readonly difference: Estimate }
      >
    >
  >
  readonly diagnostics: {
    readonly ess: number
    readonly maxWeightShare: number
    readonly meanWeightZ: number
    readonly [name: string]: unknown
  }
}
