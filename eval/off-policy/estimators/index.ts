/** Estimators by name, over one pass of a log. */
import { EvaluationError } from '../../errors.ts'
import { DEFAULT_LEVEL, type IntervalOfMean } from '../../intervals/interval.ts'
import { checkRow } from '../row.ts'
import type { Estimate, Estimator, EstimatorRow, EstimatorState } from '../types.ts'
import { clippedIps } from './clipped-ips.ts'
import { CressieRead } from './cressie-read.ts'
import { dm } from './dm.ts'
import { dr } from './dr.ts'
import { drOs } from './dr-os.ts'
import { EmpiricalLikelihood } from './empirical-likelihood.ts'
import { ips } from './ips.ts'
import { mips, snmips } from './mips.ts'
import { RowMean } from './row-mean.ts'
import { SelfNormalised } from './self-normalised.ts'
import { sndr } from './sndr.ts'
import { snips } from './snips.ts'
import { subGaussianDr, subGaussianIps } from './sub-gaussian.ts'
import { switchDr } from './switch-dr.ts'

/** Settings of those that have any. No default clips by much: bias is not in any interval. */
export interface EstimatorSettings {
  /** Of `clipped_ips` and `clipped_dr`: the largest weight. @default 100 */
  readonly clip?: number
  /** τ of `switch_dr`. @default 30 */
  readonly switchAt?: number
  /** λ of `dr_os`. @default 1000 */
  readonly shrinkage?: number
  /** λ of `sg_ips` and `sg_dr`. @default 0.01 */
  readonly subGaussian?: number
  /** The smallest and the largest weight there can be, for `cressie_read` and `mle`. @default [0, ∞] */
  readonly weightBounds?: readonly [number, number]
  /** Between which rewards lie, for the same two. Without them, those seen. */
  readonly rewardBounds?: readonly [number, number]
  /** Of all but `cressie_read` and `mle`, which have their own. @default Student's t, with the degrees of freedom that the variance has */
  readonly interval?: IntervalOfMean
}

type Make = (settings: EstimatorSettings) => Estimator

const MAKERS = {
  dr: ({ interval }) => new RowMean(dr(), interval),
  snips: ({ interval }) => new SelfNormalised(snips, interval),
  cressie_read: (settings) => new CressieRead(settings),
  ips: ({ interval }) => new RowMean(ips, interval),
  sndr: ({ interval }) => new SelfNormalised(sndr, interval),
  dm: ({ interval }) => new RowMean(dm, interval),
  switch_dr: ({ switchAt = 30, interval }) => new RowMean(switchDr(switchAt), interval),
  clipped_ips: ({ clip = 100, interval }) => new RowMean(clippedIps(clip), interval),
  clipped_dr: ({ clip = 100, interval }) => new RowMean(dr(clip), interval),
  dr_os: ({ shrinkage = 1_000, interval }) => new RowMean(drOs(shrinkage), interval),
  sg_ips: ({ subGaussian = 0.01, interval }) => new RowMean(subGaussianIps(subGaussian), interval),
  sg_dr: ({ subGaussian = 0.01, interval }) => new RowMean(subGaussianDr(subGaussian), interval),
  mips: ({ interval }) => new RowMean(mips, interval),
  snmips: ({ interval }) => new SelfNormalised(snmips, interval),
  mle: (settings) => new EmpiricalLikelihood(settings),
} as const satisfies Readonly<Record<string, Make>>
export type EstimatorName = keyof typeof MAKERS

/** All there are. `mips` and `snmips` take rows with marginal weights, and the memory of `mle` grows with the log. */
export const ESTIMATOR_NAMES = Object.keys(MAKERS) as readonly EstimatorName[]

/** Those for any log of rows: the three to read first, then the others. */
export const DEFAULT_ESTIMATORS = ESTIMATOR_NAMES.filter(
  (name) => name !== 'mips' && name !== 'snmips' && name !== 'mle',
)

export interface EstimatorsOptions extends EstimatorSettings {
  /** @default {@link DEFAULT_ESTIMATORS} */
  readonly names?: readonly EstimatorName[]
}

/** Several estimators over the same rows; merges as each of them does. */
export interface EstimatorSet {
  readonly names: readonly EstimatorName[]
  /** @throws {EvaluationError} `eval_bad_row`; no estimator has taken the row then */
  add(row: EstimatorRow): void
  merge(other: EstimatorSet): void
  /** By name, as plain numbers. */
  state(): Readonly<Record<string, EstimatorState>>
  /** @throws {EvaluationError} `eval_bad_option` where the state is of other estimators or settings */
  mergeState(state: Readonly<Record<string, EstimatorState>>): void
  /** By name; those without an estimate are absent. */
  estimates(level?: number): Readonly<Partial<Record<EstimatorName, Estimate>>>
}

/** @throws {EvaluationError} `eval_bad_option` for an unknown name or a setting outside its range */
export function createEstimators({
  names = DEFAULT_ESTIMATORS,
  ...settings
}: EstimatorsOptions = {}): EstimatorSet {
  const unknown = names.find((name) => !Object.hasOwn(MAKERS, name))
  if (unknown !== undefined) {
    throw new EvaluationError(
      'eval_bad_option',
      `there is no estimator "${unknown}"; there are ${ESTIMATOR_NAMES.join(', ')}`,
    )
  }
  const unique = [...new Set(names)]
  const estimators = unique.map((name): readonly [EstimatorName, Estimator] => [name, MAKERS[name](settings)])
  const bounds = settings.rewardBounds
  return {
    names: unique,
    add(row) {
      checkRow(row)
      if (bounds !== undefined && !(row.reward >= bounds[0] && row.reward <= bounds[1])) {
        throw new EvaluationError(
          'eval_bad_row',
          `a reward of ${row.reward} is outside the bounds [${bounds.join(', ')}] given for rewards`,
        )
      }
      for (const [, estimator] of estimators) estimator.add(row)
    },
    merge(other) {
      this.mergeState(other.state())
    },
    state() {
      return Object.fromEntries(estimators.map(([name, estimator]) => [name, estimator.state()]))
    },
    mergeState(state) {
      // All are compared before any is added to, so that a refusal leaves the sums as they were.
      const ours = estimators.map(([, { name }]) => name).join(', ')
      const theirs = unique.map((name) => state[name]?.name ?? `no ${name}`).join(', ')
      if (ours !== theirs || Object.keys(state).length !== unique.length) {
        throw new EvaluationError(
          'eval_bad_option',
          `only sums of the same estimators with the same settings merge: these are ${ours}, those ${theirs}`,
        )
      }
      for (const [name, estimator] of estimators) estimator.mergeState(state[name]!)
    },
    estimates(level = DEFAULT_LEVEL) {
      return Object.fromEntries(
        estimators.flatMap(([name, estimator]) => {
          const estimate = estimator.get(level)
          return estimate === undefined ? [] : [[name, estimate]]
        }),
      )
    },
  }
}
