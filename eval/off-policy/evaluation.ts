/** What an evaluation says, from the sums of its two passes. */
import { DEFAULT_LEVEL } from '../intervals/interval.ts'
import type { DriftReport } from './audit/drift.ts'
import type { RecomputedReport } from './audit/recomputed.ts'
import type { Support } from './audit/support.ts'
import type { ExtremesReport } from './extremes.ts'
import { cautions, type Findings, refusals } from './floors.ts'
import type { LeftOut } from './logged-row.ts'
import { createScoring, type EvaluationQuestion } from './question.ts'
import { ResponseCounts } from './response.ts'
import { roundingOf } from './rounding.ts'
import type { ScoringState } from './scoring.ts'
import type { ArmReport, SliceReport } from './slices.ts'
import type { SurveyState } from './survey.ts'
import { createTarget, type TargetSpec } from './target.ts'
import type { EvaluationJson, Reason, ShrunkEstimate } from './types.ts'
import { boundsOf } from './value-score.ts'

/** {@link EvaluationJson}, and what a person wants to see beside it. Of a refused evaluation there are no estimates. */
export interface Evaluation extends EvaluationJson {
  /** What the target is compared with: `live` is the policy that wrote the log. */
  readonly against: string
  readonly againstHash?: string
  /** Share of repetitions in which an interval is meant to hold the true value. */
  readonly level: number
  /** What the numbers have to be read with. */
  readonly warnings: readonly Reason[]
  /** Decisions that were read, and of how many why they do not count. */
  readonly read: number
  readonly leftOut: Readonly<Partial<Record<LeftOut, number>>>
  readonly sensitivity: {
    /** What if rows of large weights are left to the model: by threshold. */
    readonly switchDr: Readonly<Record<string, ShrunkEstimate>>
    /** What if untold values were the worst or the best; absent where all were told. */
    readonly untold?: ExtremesReport
  }
  /** Intervals hold together, by Bonferroni over the slices of a kind. */
  readonly slices: {
    readonly adjustment: 'bonferroni'
    readonly class: Readonly<Record<string, SliceReport>>
    readonly tenant: Readonly<Record<string, SliceReport>>
    readonly arm: Readonly<Record<string, ArmReport>>
  }
  readonly diagnostics: EvaluationJson['diagnostics'] & Diagnostics
}

export interface Diagnostics {
  /** Of the weights that carry the objective. */
  readonly effective: Support['effective']
  /** Of π_e/π_b over all rows. */
  readonly weights: Support['weights']
  /** Of E[w] = 1 by the spread that the propensities foretell. */
  readonly meanZByPropensities: Support['meanZByPropensities']
  readonly propensities: Support['propensities']
  readonly outsideSupport: number
  readonly outsideByClass: Support['outsideByClass']
  readonly untold: number
  readonly untoldByArm: Support['untoldByArm']
  /** By value: share of the rows of which it was told; and of the objective by class and arm. */
  readonly toldShare: Readonly<Record<string, number>>
  readonly told: readonly {
    readonly class: string
    readonly arm: string
    readonly rows: number
    readonly share: number
  }[]
  readonly servedOtherwiseShare: number
  readonly recomputed: RecomputedReport
  readonly drift: DriftReport
}

export function evaluationOf(
  question: EvaluationQuestion,
  survey: SurveyState,
  state: ScoringState,
): Evaluation {
  const { objective = 'utility', level = DEFAULT_LEVEL } = question
  const target = createTarget(question.target)
  const against = createTarget(question.against ?? { kind: 'logged' })
  const scoring = createScoring(question, survey)
  scoring.merge(state)
  const responses = new ResponseCounts()
  responses.merge(survey.responses)
  const support = scoring.support.get()
  const toldShare = responses.toldShare(objective)
  const candidates = scoring.values.get(objective)?.estimates(level) ?? {}
  const findings: Findings = {
    n: survey.n,
    read: survey.read,
    leftOut: survey.leftOut,
    objective,
    toldShare,
    support,
    recomputed: scoring.recomputed.get(),
    drift: scoring.drift.get(),
    estimates: candidates,
    rounding: roundingOf(survey.ranges[objective]),
    armsNotInFile: armsNotIn(question.target, support.propensities),
  }
  const reasons = refusals(findings)
  const refused = reasons.length > 0
  const estimates = refused ? {} : candidates
  const untold = refused || toldShare === 1 ? undefined : scoring.extremes.get(level)
  // Of cost and latency nobody knows how bad they can be; and logs from elsewhere have their own scales.
  const bounded = objective === 'utility' ? 'quality' : objective
  const hasExtremes = untold !== undefined && boundsOf(bounded, survey.ranges[bounded]) !== undefined
  return {
    target: target.name,
    ...(target.hash !== undefined && { targetHash: target.hash }),
    against: against.name,
    ...(against.hash !== undefined && { againstHash: against.hash }),
    logged: { n: survey.n, from: timeOf(survey.fromMs), to: timeOf(survey.toMs) },
    refused,
    reasons,
    warnings: cautions(findings, { estimates: !refused, extremes: hasExtremes }),
    objective,
    level,
    estimates,
    values: refused
      ? {}
      : Object.fromEntries(
          [...scoring.values].flatMap(([value, score]) => {
            const compared = score.compared(level)
            return compared === undefined ? [] : [[value, compared]]
          }),
        ),
    read: survey.read,
    leftOut: Object.fromEntries(Object.entries(survey.leftOut).filter(([, count]) => count > 0)),
    sensitivity: {
      switchDr: refused ? {} : (scoring.values.get(objective)?.switched(level) ?? {}),
      ...(hasExtremes && { untold }),
    },
    slices: {
      adjustment: 'bonferroni',
      class: refused ? {} : scoring.slices.get('class', level),
      tenant: refused ? {} : scoring.slices.get('tenant', level),
      arm: refused ? {} : scoring.slices.arms(level),
    },
    diagnostics: {
      ess: support.effective?.ess ?? 0,
      maxWeightShare: support.effective?.largestShare ?? 0,
      meanWeightZ: support.weights?.meanZ || 0,
      ...support,
      toldShare: Object.fromEntries(
        [...scoring.values.keys()].map((value) => [value, responses.toldShare(value)]),
      ),
      told: survey.responses.map(({ requestClass, arm, rows, told }) => ({
        class: requestClass,
        arm,
        rows,
        share: told[objective] / rows,
      })),
      servedOtherwiseShare: survey.leftOut.served_otherwise / Math.max(survey.read, 1),
      recomputed: findings.recomputed,
      drift: findings.drift,
    },
  }
}

/** A file without sums believes what was learned in its feature space, of all arms. */
function armsNotIn(target: TargetSpec, propensities: Support['propensities']): readonly string[] {
  if (target.kind !== 'file' || target.file.sums.length === 0) return []
  const known = new Set<string>(target.file.sums.map(({ arm }) => arm))
  return (propensities?.arms ?? []).map(({ arm }) => arm).filter((arm) => !known.has(arm))
}

/** Of no decisions: the epoch, since a time has to be one. */
function timeOf(ms: number): string {
  return new Date(Number.isFinite(ms) ? ms : 0).toISOString()
}
