/** The second pass over a log: every decision under both policies, into sums that parts of a log add up to. */
import { Drift, type DriftState } from './audit/drift.ts'
import { Recomputed, type RecomputedState } from './audit/recomputed.ts'
import { SupportAudit, type SupportState } from './audit/support.ts'
import type { EstimatorName } from './estimators/index.ts'
import type { EvaluationRow } from './evaluation-row.ts'
import { Extremes } from './extremes.ts'
import { leftOut } from './logged-row.ts'
import { type Judged, type Learned, pairedRow, scoreRow } from './paired.ts'
import { roundingOf } from './rounding.ts'
import { Slices, type SlicesState } from './slices.ts'
import type { SurveyState } from './survey.ts'
import type { EstimatorState, ValueName } from './types.ts'
import { boundsOf, HEADLINES, ValueScore, type ValueScoreState } from './value-score.ts'

export interface ScoringPlan extends Judged {
  readonly learned: Learned
  readonly survey: Pick<SurveyState, 'n' | 'fromMs' | 'toMs'>
  readonly objective: ValueName
  /** Those that the log has; the objective among them. */
  readonly values: readonly ValueName[]
  /** @default those for any log */
  readonly estimators: readonly EstimatorName[] | undefined
  readonly mostWeight: number
}

export interface ScoringState {
  readonly values: readonly (readonly [ValueName, ValueScoreState])[]
  readonly slices: SlicesState
  readonly support: SupportState
  readonly drift: DriftState
  readonly recomputed: RecomputedState
  readonly extremes: readonly EstimatorState[]
}

export class Scoring {
  readonly values: ReadonlyMap<ValueName, ValueScore>
  readonly slices: Slices
  readonly support = new SupportAudit()
  readonly drift: Drift
  readonly recomputed: Recomputed
  readonly extremes: Extremes
  readonly #plan: ScoringPlan

  constructor(plan: ScoringPlan) {
    const { values, survey, learned, objective, estimators, mostWeight } = plan
    this.#plan = plan
    this.values = new Map(
      values.map((value) => {
        const bounds = boundsOf(value, learned.ranges[value])
        // Of the other values the headlines are enough.
        const names = value === objective ? estimators : HEADLINES
        const sensitivity = value === objective
        return [
          value,
          new ValueScore({
            ...(names && { estimators: names }),
            mostWeight,
            bounds,
            rounding: roundingOf(learned.ranges[value]),
            sensitivity,
          }),
        ]
      }),
    )
    this.slices = new Slices(roundingOf(learned.ranges[objective]))
    this.drift = new Drift(survey.fromMs, survey.toMs)
    this.recomputed = new Recomputed(survey.n)
    this.extremes = new Extremes(objective)
  }

  /** @throws {EvaluationError} for a propensity that is none, or a target that has no distribution for the row */
  add(row: EvaluationRow): void {
    if (leftOut(row) !== undefined) return
    const { learned, objective } = this.#plan
    const scored = scoreRow(row, this.#plan, learned)
    for (const [value, score] of this.values) {
      const pair = pairedRow(scored, value, learned)
      score.add(pair)
      if (value !== objective) continue
      this.slices.add(scored, pair)
      const [told, expected] = [scored.realised[objective], scored.expected[objective]]
      this.drift.add(row.atMs, row.requestClass, row.arm, told === undefined ? told : told - (expected ?? 0))
      this.support.add(scored, pair.target.weight, (arm) =>
        learned.responses.isSilent(row.requestClass, arm, objective),
      )
    }
    this.extremes.add(scored)
    this.recomputed.add(row)
  }

  state(): ScoringState {
    return {
      values: [...this.values].map(([value, score]) => [value, score.state()]),
      slices: this.slices.state(),
      support: this.support.state(),
      drift: this.drift.state(),
      recomputed: this.recomputed.state(),
      extremes: this.extremes.state(),
    }
  }

  merge(part: ScoringState): void {
    for (const [value, state] of part.values) this.values.get(value)?.merge(state)
    this.slices.merge(part.slices)
    this.support.merge(part.support)
    this.drift.merge(part.drift)
    this.recomputed.merge(part.recomputed)
    this.extremes.merge(part.extremes)
  }
}
