/** The evaluation of a part of a log as a file: machines that have a part each send theirs to one that adds them up. */
import { EvaluationError } from '../errors.ts'
import { type Evaluation, evaluationOf } from './evaluation.ts'
import { createScoring, type EvaluationQuestion } from './question.ts'
import type { ScoringState } from './scoring.ts'
import { Survey, type SurveyState } from './survey.ts'

const FORMAT = 'highwayman-evaluation-part'
const VERSION = 3

/** What a part was made of: the files, or `store`, and which of `of` shares of the decisions. */
export interface PartOfLog {
  readonly log: readonly string[]
  readonly shard: { readonly index: number; readonly of: number }
}

/** Plain JSON. The reward model is not in it: each part is scored by a model of its own rows. */
export interface EvaluationPart {
  readonly format: typeof FORMAT
  readonly version: typeof VERSION
  readonly question: EvaluationQuestion
  readonly madeOf: PartOfLog
  readonly survey: Omit<SurveyState, 'rewards'>
  readonly scoring: ScoringState
}

export function partOf(
  question: EvaluationQuestion,
  { rewards: _, ...survey }: SurveyState,
  scoring: ScoringState,
  madeOf: PartOfLog,
): EvaluationPart {
  return { format: FORMAT, version: VERSION, question, madeOf, survey, scoring }
}

/** Checks parsed JSON. @throws {EvaluationError} `eval_bad_part` for what is no part of an evaluation */
export function readPart(json: unknown, where: string): EvaluationPart {
  const part = json as Partial<EvaluationPart> | null
  if (part?.format !== FORMAT || part.version !== VERSION || !part.survey || !part.scoring || !part.madeOf) {
    throw new EvaluationError(
      'eval_bad_part',
      `${where} is no part of an evaluation; write one with \`highwayman evaluate --shards i/n --state file\` of this release`,
    )
  }
  return part as EvaluationPart
}

/** @throws {EvaluationError} `eval_bad_part` where they do not answer the same question, share decisions, or there are none */
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
  checkDisjoint(parts)
  const survey = new Survey(question.preferences, first.survey.folds)
  for (const part of parts) survey.merge(withTimes(part.survey))
  const state = survey.state()
  const scoring = createScoring(question, state)
  for (const part of parts) scoring.merge(part.scoring)
  return evaluationOf(question, state, scoring.state())
}

/** Shares of other files may be of the same decisions, which nobody can tell from their sums. */
function checkDisjoint(parts: readonly EvaluationPart[]): void {
  for (const [i, { madeOf: one }] of parts.entries()) {
    const twin = parts.slice(0, i).find(({ madeOf: other }) => shareDecisions(one, other))
    if (twin === undefined) continue
    const [first, second] = [twin.madeOf.shard, one.shard].map(({ index, of }) => `${index}/${of}`)
    throw new EvaluationError(
      'eval_bad_part',
      `two of the parts, --shards ${first} and --shards ${second} of ${one.log.join(' ')}, have decisions in common: give each part once, all made with the same n in i/n`,
    )
  }
}

function shareDecisions(a: PartOfLog, b: PartOfLog): boolean {
  if (JSON.stringify(a.log) !== JSON.stringify(b.log)) return false
  // A share is of the ids whose hash is in [index/of, (index + 1)/of).
  return (
    a.shard.index * b.shard.of < (b.shard.index + 1) * a.shard.of &&
    b.shard.index * a.shard.of < (a.shard.index + 1) * b.shard.of
  )
}

/** JSON has no infinities: a part without decisions has no times. */
function withTimes({ n, fromMs, toMs, ...survey }: EvaluationPart['survey']): SurveyState {
  const span =
    n === 0 ? { fromMs: Number.POSITIVE_INFINITY, toMs: Number.NEGATIVE_INFINITY } : { fromMs, toMs }
  return { ...survey, n, ...span, rewards: [] }
}
