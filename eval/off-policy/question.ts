/** What is asked of a log, and the empty sums that answer it. */
import { armsOfPolicy, type Preferences } from '../../engine/index.ts'
import { EvaluationError } from '../errors.ts'
import type { EstimatorName } from './estimators/index.ts'
import type { ResponseCounts } from './response.ts'
import { Scoring } from './scoring.ts'
import { Survey, type SurveyState } from './survey.ts'
import { createTarget, type TargetSpec } from './target.ts'
import { VALUES, type ValueName } from './types.ts'

/** What is asked of a log: data, fit for another thread or machine. */
export interface EvaluationQuestion {
  readonly target: TargetSpec
  /** What it is compared with. @default the policy that wrote the log */
  readonly against?: TargetSpec
  /** @default utility */
  readonly objective?: ValueName
  /** What utility is measured by. @default each request's own wishes */
  readonly preferences?: Preferences
  /** Of the objective, beside DR, SNIPS and Cressie–Read. @default all for which a log is enough */
  readonly estimators?: readonly EstimatorName[]
  /** Of intervals, in (0, 1). @default 0.95 */
  readonly level?: number
  /** True: a part of a log that others have other parts of; how large weights can be is then not taken from the log. */
  readonly isPart?: boolean
}

/** @throws {EvaluationError} `eval_bad_option`, `eval_bad_target` */
export function checkQuestion({ target, against, objective = 'utility', level }: EvaluationQuestion): void {
  createTarget(target)
  if (against !== undefined) createTarget(against)
  if (!VALUES.includes(objective)) {
    throw new EvaluationError(
      'eval_bad_option',
      `objective must be one of ${VALUES.join(', ')}, got ${objective}`,
    )
  }
  if (level !== undefined && !(level > 0 && level < 1)) {
    throw new EvaluationError('eval_bad_option', `level must be in (0, 1), got ${level}`)
  }
}

/** Empty sums for the second pass; scores of other parts of the same log are merged into them. */
export function createScoring(question: EvaluationQuestion, state: SurveyState): Scoring {
  const { preferences, objective = 'utility', estimators } = question
  for (const spec of [question.target, question.against]) checkArms(spec, state)
  const survey = new Survey(preferences, state.folds)
  survey.merge(state)
  const { responses } = survey
  const told = VALUES.filter((value) => responses.toldShare(value) > 0)
  return new Scoring({
    target: createTarget(question.target),
    against: createTarget(question.against ?? { kind: 'logged' }),
    learned: {
      model: survey.rewards.fit(),
      folds: state.folds,
      responses,
      preferences,
      ranges: survey.ranges,
    },
    survey: state,
    objective,
    values: told.includes(objective) ? told : [...told, objective],
    estimators,
    mostWeight: question.isPart
      ? Number.POSITIVE_INFINITY
      : 1 / (state.leastProbability * leastShare(responses, objective)),
  })
}

/** A name that is nobody's would be judged by what stands in for it. @throws {EvaluationError} `eval_unknown_arm` */
function checkArms(spec: TargetSpec | undefined, { arms, n }: SurveyState): void {
  if (spec?.kind !== 'policy' || n === 0) return
  const stranger = armsOfPolicy(spec.policy).find((arm) => !arms.includes(arm))
  if (stranger === undefined) return
  throw new EvaluationError(
    'eval_unknown_arm',
    `policy ${spec.policy.name} names '${stranger}', which no decision of the log could have drawn; the arms are ${arms.toSorted().join(', ')}`,
  )
}

/** The smallest share of told values that a weight is divided by. */
function leastShare(responses: ResponseCounts, value: ValueName): number {
  const shares = responses
    .state()
    .filter(({ told }) => told[value] > 0)
    .map(({ requestClass, arm }) => responses.probability(requestClass, arm, value))
  return Math.min(1, ...shares)
}
