/** The evaluation of a part of a log as a file: machines that have a part each send theirs to one that adds them up. */
import { EvaluationError } from '../errors.ts'
import { type Evaluation, evaluationOf } from './evaluation.ts'
import { createScoring, type EvaluationQuestion } from './question.ts'
import type { ScoringState } from './scoring.ts'
import { Survey, type SurveyState } from './survey.ts'

const FORMAT = 'highwayman-evaluation-part'
const VERSION = 2

/** Plain JSON. The reward model is not in it: each part is scored by a model of its own rows. */
export interface EvaluationPart {
  readonly format: typeof FORMAT
  readonly version: typeof VERSION
  readonly question: EvaluationQuestion
  readonly survey: Omit<SurveyState, 'rewards'>
  readonly scoring: ScoringState
}

export function partOf(
  question: EvaluationQuestion,
  { rewards: _, ...survey }: SurveyState,
  scoring: ScoringState,
): EvaluationPart {
  return { format: FORMAT, version: VERSION, question, survey, scoring }
}

/** Checks parsed JSON. @throws {EvaluationError} `eval_bad_part` for what is no part of an evaluation */
export function readPart(json: unknown, where: string): EvaluationPart {
  const part = json as Partial<EvaluationPart> | null
  if (part?.format !== FORMAT || part.version !== VERSION || !part.survey || !part.scoring) {
    throw new EvaluationError(
      'eval_bad_part',
      `${where} is no part of an evaluation; write one with \`highwayman evaluate --shards i/n --state file\` of this release`,
    )
  }
  return part as EvaluationPart
}

/** @throws {EvaluationError} `eval_bad_part` where they do not answer the same question, or there are none */
export function mergeParts(parts: readonly EvaluationPart[]): Evaluation {
  const [first] = parts
  if (first === undefined) throw new EvaluationError('eval_bad_part', 'there are no parts to add up')
  const { question } = first
  const asked = JSON.stringify(question)
  if (parts.some((part) => JSON.stringify(part.question) !== asked)) {
    throw new EvaluationError(
      'eval_bad_part',
      'the parts answer different questions: make all of them with the same flags but the shard',
    )
  }
  const survey = new Survey(question.preferences, first.survey.folds)
  for (const part of parts) survey.merge(withTimes(part.survey))
  const state = survey.state()
  const scoring = createScoring(question, state)
  for (const part of parts) scoring.merge(part.scoring)
  return evaluationOf(question, state, scoring.state())
}

/** JSON has no infinities: a part without decisions has no times. */
function withTimes({ n, fromMs, toMs, ...survey }: EvaluationPart['survey']): SurveyState {
  const span =
    n === 0 ? { fromMs: Number.POSITIVE_INFINITY, toMs: Number.NEGATIVE_INFINITY } : { fromMs, toMs }
  return { ...survey, n, ...span, rewards: [] }
}
