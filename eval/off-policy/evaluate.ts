/**
 * Off-policy evaluation: what a target policy would have been worth on the traffic of a log, from the log alone. Two passes, in
 * constant memory: the first makes the reward model, the second scores every decision under both policies. Each pass is sums, so
 * that parts of a log can be read by other threads or machines and added up.
 */
import { type Evaluation, evaluationOf } from './evaluation.ts'
import type { EvaluationRow } from './evaluation-row.ts'
import { checkQuestion, createScoring, type EvaluationQuestion } from './question.ts'
import type { ScoringState } from './scoring.ts'
import { Survey, type SurveyState } from './survey.ts'

/** A log as an evaluation reads it: from the beginning, each time it is called. */
export type ReadableLog = () => AsyncIterable<EvaluationRow>

/**
 * @throws {EvaluationError} `eval_bad_target` where the log does not hold what a policy goes by, `eval_bad_option`,
 *   `eval_bad_propensity`; and what reading throws. A log that tells too little is no error but a refused evaluation.
 */
export async function evaluateLog(log: ReadableLog, question: EvaluationQuestion): Promise<Evaluation> {
  checkQuestion(question)
  const survey = await surveyLog(log, question)
  const scoring = await scoreLog(log, question, survey)
  return evaluationOf(question, survey, scoring)
}

/** The first pass over a log, or a part of it. */
export async function surveyLog(log: ReadableLog, { preferences }: EvaluationQuestion): Promise<SurveyState> {
  const survey = new Survey(preferences)
  for await (const row of log()) survey.add(row)
  return survey.state()
}

/** The second pass over a log, or a part of it, after the first over all of it. */
export async function scoreLog(
  log: ReadableLog,
  question: EvaluationQuestion,
  survey: SurveyState,
): Promise<ScoringState> {
  const scoring = createScoring(question, survey)
  if (survey.n > 0) for await (const row of log()) scoring.add(row)
  return scoring.state()
}
