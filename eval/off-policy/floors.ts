/**
 * Below which floors there is no estimate, and what only needs care. Each finding says what was found, against which floor, and what
 * to log or to change; the codes are stable.
 */
import type { DriftReport } from './audit/drift.ts'
import type { RecomputedReport } from './audit/recomputed.ts'
import type { Support } from './audit/support.ts'
import { LEFT_OUT, type LeftOut } from './logged-row.ts'
import type { Estimate, Reason } from './types.ts'

export const FLOORS = {
  /** Of the rows of weight 1 that a mean is worth: at least so many, and at least this share of all. */
  ess: 200,
  essShare: 0.01,
  /** |z| of E[w] = 1. */
  meanWeightZ: 3,
  /** |z| of each arm's draws against its propensities. */
  calibrationZ: 4,
  /** Target probability where nothing could be drawn. */
  outsideSupport: 1e-9,
  /** Target probability on arms of which nobody told the objective in that class. */
  untold: 0.05,
  /** Share of decisions that another arm served by the caller's own doing. */
  servedOtherwise: 0.05,
} as const

/** From here on a number is given with a word of caution. */
export const CAUTIONS = {
  largestShare: 0.05,
  untoldShare: 0.2,
  servedOtherwise: 0.01,
  /** ESS of the standard error. */
  essVariance: 30,
  /** Distance of the class mix beyond chance, and |z| of an arm's change. */
  classMix: 0.1,
  armChangeZ: 4,
  /** Mean distance of recomputed distributions. */
  recomputed: 0.01,
} as const

export interface Findings {
  readonly n: number
  readonly read: number
  readonly leftOut: Readonly<Record<LeftOut, number>>
  readonly objective: string
  /** Share of rows of which the objective was told. */
  readonly toldShare: number
  readonly support: Support
  readonly recomputed: RecomputedReport
  readonly drift: DriftReport
  readonly estimates: Readonly<Record<string, Estimate>>
  /** Of the estimates: differences below say nothing. */
  readonly rounding: number
  /** Arms of the log of which the judged policy file says nothing. */
  readonly armsNotInFile: readonly string[]
}

/** Why there is no estimate. Empty: there is one. */
export function refusals(findings: Findings): readonly Reason[] {
  const { n, read, leftOut, objective, toldShare } = findings
  if (n === 0) return [{ code: 'no_rows', message: noRows(read, leftOut) }]
  const reasons: Reason[] = []
  const refuse = (code: string, message: string): void => void reasons.push({ code, message })
  if (toldShare === 0) {
    refuse(
      'no_rewards',
      `none of ${n} decisions has a ${objective}: send feedback, or have a share of the answers judged`,
    )
    return reasons
  }
  refuseForSupport(findings, refuse)
  refuseForPropensities(findings, refuse)
  return reasons
}

function refuseForSupport(
  { n, support, objective }: Findings,
  refuse: (code: string, message: string) => void,
): void {
  const { outsideSupport, outsideByClass, untold, untoldByArm } = support
  if (outsideSupport > FLOORS.outsideSupport) {
    refuse(
      'no_overlap',
      `${percent(outsideSupport)} of the target's probability is on arms that were never drawn there (${shares(outsideByClass)} of the class); the floor is 0: log with a floor above 0, so that every eligible arm is drawn now and then`,
    )
  }
  if (untold > FLOORS.untold) {
    refuse(
      'untold_arms',
      `${percent(untold)} of the target's probability is on arms of which nobody told the ${objective} in that class (${shares(untoldByArm)}); the floor is ${percent(FLOORS.untold)}: have answers of these arms judged`,
    )
  }
  const ess = support.effective?.ess ?? 0
  const least = Math.max(FLOORS.ess, FLOORS.essShare * n)
  if (ess < least) {
    const isShare = FLOORS.essShare * n > FLOORS.ess
    refuse(
      'ess',
      `${n} decisions count like ${round(ess)} of the target's own (the largest weight is ${percent(support.effective?.largestShare ?? 0)} of all); the floor is ${round(least)}${isShare ? `, 1 % of ${n}` : ''}: ${tooFewRows(support, least)}`,
    )
  }
}

/** More of the same where the rows are good and few; another log where they are bad. */
function tooFewRows({ effective, weights }: Support, least: number): string {
  const perRow = (effective?.ess ?? 0) / Math.max(effective?.n ?? 1, 1)
  const perRowOfAll = (weights?.ess ?? 0) / Math.max(weights?.n ?? 1, 1)
  if (perRow < FLOORS.essShare * 2) {
    return perRowOfAll > 4 * perRow
      ? 'have a larger share of the answers judged'
      : 'log with a larger floor, or judge a target that is nearer to what wrote the log'
  }
  return `log about ${round(least / perRow)} decisions like these`
}

function refuseForPropensities(
  { n, read, leftOut, support, recomputed }: Findings,
  refuse: (code: string, message: string) => void,
): void {
  const z = support.weights?.meanZ ?? 0
  if (Math.abs(z) > FLOORS.meanWeightZ) {
    const byPropensities = support.meanZByPropensities
    const isLuck = byPropensities !== undefined && Math.abs(byPropensities) <= FLOORS.meanWeightZ
    const why = isLuck
      ? `by the propensities themselves it is ${round(Math.abs(byPropensities))}, so they need not be wrong: the target often draws what this log drew with small probabilities, and of those draws too few came to tell; log with a larger floor, log more decisions, or judge a target that is nearer to what wrote the log`
      : 'propensities or eligible arms are not what was drawn from, or rows were left out of the log'
    refuse(
      'mean_weight',
      `weights have mean ${round(support.weights?.mean ?? 0)}, ${round(Math.abs(z))} standard errors from 1; the floor is ${FLOORS.meanWeightZ}: ${why}`,
    )
  }
  const off = (support.propensities?.arms ?? []).filter(
    ({ calibrationZ }) => Math.abs(calibrationZ) > FLOORS.calibrationZ,
  )
  if (off.length > 0) {
    const told = off.map(
      ({ arm, drawn, expected, calibrationZ }) =>
        `${arm} was drawn ${drawn} times where ${round(expected)} were due, z ${round(calibrationZ)}`,
    )
    refuse(
      'calibration',
      `${told.slice(0, 5).join('; ')}; the floor is |z| ${FLOORS.calibrationZ}: log the probability that the arm was drawn with, after all filtering`,
    )
  }
  if (recomputed.redrawnOtherwise > 0) {
    refuse(
      'draws_differ',
      `${recomputed.redrawnOtherwise} of ${recomputed.redrawn} decisions have an arm that their probabilities, id and salt do not draw: the log was changed, or something overrode the draw`,
    )
  }
  const candidates = n + leftOut.served_otherwise
  const otherwise = leftOut.served_otherwise / candidates
  if (otherwise > FLOORS.servedOtherwise) {
    refuse(
      'served_otherwise',
      `${percent(otherwise)} of ${read} decisions were served by another arm than the drawn one by the caller's own doing; the floor is ${percent(FLOORS.servedOtherwise)}: what is left is a chosen part. Have callers keep to the drawn arm`,
    )
  }
}

/** What a report has beside its findings: a warning points to nothing else. */
export interface Shown {
  /** False: refused. */
  readonly estimates: boolean
  /** Where value and difference would be if what was not told were the worst, or the best. */
  readonly extremes: boolean
}

/** What the numbers have to be read with; of a log that allows none, what else was found in it. */
export function cautions(findings: Findings, shown: Shown): readonly Reason[] {
  const { n, leftOut, support, recomputed, drift, estimates, toldShare, objective, armsNotInFile, rounding } =
    findings
  const warnings: Reason[] = []
  const warn = (code: string, message: string): void => void warnings.push({ code, message })
  if (n === 0) return warnings
  const { effective } = support
  if ((effective?.largestShare ?? 0) > CAUTIONS.largestShare) {
    warn(
      'heavy_weight',
      `one decision carries ${percent(effective?.largestShare ?? 0)} of all weight${shown.estimates ? ': see how the estimates of switch-DR differ' : ''}`,
    )
  }
  if ((effective?.essVariance ?? 0) < CAUTIONS.essVariance) {
    warn(
      'weight_tail',
      `the standard error ${shown.estimates ? 'rests' : 'would rest'} on about ${round(effective?.essVariance ?? 0)} decisions: intervals ${shown.estimates ? 'may' : 'might'} be too narrow`,
    )
  }
  if (armsNotInFile.length > 0) {
    warn(
      'arms_not_in_file',
      `the policy file says nothing of ${armsNotInFile.slice(0, 5).join(', ')}${armsNotInFile.length > 5 ? `, and ${armsNotInFile.length - 5} more` : ''}: of them it is taken to believe what the log did. Make it of data that call arms as the log does`,
    )
  }
  if (1 - toldShare > CAUTIONS.untoldShare) {
    warn(
      'missing_rewards',
      `${percent(1 - toldShare)} of the decisions have no ${objective}${shown.estimates ? '; the estimate takes those that have one for like the others of their class and arm' : ''}${shown.extremes ? '. What if not: see the extremes' : ''}`,
    )
  }
  const { dr, snips } = estimates
  // Both are numbers that a refusal keeps back.
  if (shown.estimates && dr && snips && Math.max(dr.lo - snips.hi, snips.lo - dr.hi) > rounding) {
    warn(
      'estimators_disagree',
      `DR (${interval(dr)}) and SNIPS (${interval(snips)}) disagree beyond their intervals: one of propensities and weights is not what it should be`,
    )
  }
  const otherwise = leftOut.served_otherwise / (n + leftOut.served_otherwise)
  if (otherwise > CAUTIONS.servedOtherwise) {
    warn(
      'served_otherwise',
      `${percent(otherwise)} of the decisions are left out: callers served another arm`,
    )
  }
  const uninformative = leftOut.not_explored + leftOut.deterministic
  if (uninformative > n) {
    warn(
      'mostly_unexplored',
      `${uninformative} decisions had one arm for certain and tell nothing${shown.estimates ? `: the estimate is of the other ${n}` : ''}`,
    )
  }
  if (recomputed.recomputed > 0 && recomputed.meanDistance > CAUTIONS.recomputed) {
    warn(
      'recomputed_differently',
      `the logged distributions are ${percent(recomputed.meanDistance)} away from what their policies make of the logged estimates: conversations or a guarantee that the log does not hold, or other code`,
    )
  }
  warnOfDrift(drift, warn)
  return warnings
}

function warnOfDrift(
  { classMixDistance, classMixNoise, arms }: DriftReport,
  warn: (code: string, message: string) => void,
): void {
  if (classMixDistance - classMixNoise > CAUTIONS.classMix) {
    warn(
      'class_mix_drift',
      `the last third of the log has another mix of classes than the first (${percent(classMixDistance)} apart, ${percent(classMixNoise)} by chance): judge the latest part with --from`,
    )
  }
  const changed = Object.entries(arms).filter(([, { z }]) => Math.abs(z) > CAUTIONS.armChangeZ)
  if (changed.length > 0) {
    const told = changed.map(([arm, { change, z }]) => `${arm} by ${round(change)}, z ${round(z)}`)
    warn(
      'arm_drift',
      `answers are not worth what they were at the beginning of the log: ${told.slice(0, 5).join('; ')}. Judge the latest part with --from`,
    )
  }
}

function noRows(read: number, leftOut: Readonly<Record<LeftOut, number>>): string {
  if (read === 0)
    return 'the log has no decisions there: look at the span, the tenant, the model and the file'
  const told = LEFT_OUT.filter((reason) => leftOut[reason] > 0).map(
    (reason) => `${leftOut[reason]} ${reason}`,
  )
  const repair =
    leftOut.not_explored + leftOut.deterministic > 0
      ? 'log with explore on and a floor above 0, so that what else could have been done is done now and then'
      : 'log requests of a model with several arms'
  return `none of ${read} decisions tells of another arm (${told.join(', ')}): ${repair}`
}

function shares(of: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(of).sort(([, a], [, b]) => b - a)
  const told = sorted.slice(0, 3).map(([name, share]) => `${name || '(none)'} ${percent(share)}`)
  return told.join(', ') + (sorted.length > 3 ? `, and ${sorted.length - 3} more` : '')
}

function interval({ value, lo, hi }: Estimate): string {
  return `${round(value)} [${round(lo)}, ${round(hi)}]`
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)))
}
