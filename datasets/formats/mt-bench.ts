/**
 * MT-Bench judgements of single answers, as FastChat and RouteLLM store them: a line for each question, model and turn with a score of 1
 * to 10, and the questions beside them. A question's quality is the mean score of its turns over 10.
 *
 * @see Zheng et al. 2023, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena", arXiv 2306.05685
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { describeFirstIssue } from '../issues.ts'
import { readJsonLines } from '../read/json-lines.ts'
import type { ReadOptions } from '../read/options.ts'
import { normalisePrompt, splitOf } from '../split-rule.ts'
import { type ArmOutcome, DatasetError } from '../types.ts'
import type { LocatedRow } from './source.ts'

const SCORE_MAX = 10

const questionId = z.union([z.int(), z.string()], 'expected the id of a question')
const questionSchema = z.looseObject(
  {
    question_id: questionId,
    category: z.string('expected a text'),
    turns: z.array(z.string('expected a text'), 'expected a list of turns').min(1, 'expected a turn'),
  },
  'expected an object',
)
const judgementSchema = z.looseObject(
  {
    question_id: questionId,
    model: z.string('expected the name of a model').min(1, 'expected the name of a model'),
    score: z.number('expected a score from 1 to 10').max(SCORE_MAX, 'expected a score from 1 to 10'),
  },
  'expected an object',
)

/** Sum and number of a model's scores on a question. */
type Scores = Map<string, { sum: number; count: number }>

/** @throws {DatasetError} `dataset_not_found` without `question.jsonl`; `dataset_bad_line`, `dataset_unreadable` */
export async function* readMtBench(
  judgements: string,
  contaminated: ReadonlySet<string>,
  set: string,
  options: ReadOptions,
): AsyncGenerator<LocatedRow> {
  const questions = join(dirname(judgements), 'question.jsonl')
  if (!existsSync(questions)) {
    throw new DatasetError(
      'dataset_not_found',
      `${judgements}: the questions are missing; put question.jsonl beside it`,
    )
  }
  // Two turns of a few models on eighty questions: small enough to hold.
  const scores = new Map<string, Scores>()
  const judgement = parserOf(judgementSchema)
  for await (const { question_id: id, model, score } of readJsonLines(judgements, judgement, options)) {
    // The judge's answer held no rating.
    if (score < 0) continue
    const ofQuestion = scores.get(String(id)) ?? new Map()
    scores.set(String(id), ofQuestion)
    const sofar = ofQuestion.get(model) ?? { sum: 0, count: 0 }
    ofQuestion.set(model, { sum: sofar.sum + score, count: sofar.count + 1 })
  }
  const parse = parserOf(questionSchema)
  const question = (json: unknown, where: string, number: number) => ({
    ...parse(json, where),
    where,
    number,
  })
  for await (const { question_id, category, turns, where, number } of readJsonLines(
    questions,
    question,
    options,
  )) {
    const ofQuestion = scores.get(String(question_id))
    if (ofQuestion === undefined) continue
    const prompt = turns[0] ?? ''
    yield {
      where,
      number,
      row: {
        promptId: `mtbench-${question_id}`,
        split: splitOf(set, normalisePrompt(prompt)),
        task: 'mt-bench',
        category,
        prompt,
        contaminated: turns.some((turn) => contaminated.has(turn)),
        outcomes: new Map([...ofQuestion].map(([model, { sum, count }]) => [model, outcomeOf(sum / count)])),
      },
    }
  }
}

function outcomeOf(score: number): ArmOutcome {
  return {
    quality: score / SCORE_MAX,
    costUsd: undefined,
    inputTokens: undefined,
    outputTokens: undefined,
  }
}

function parserOf<Schema extends z.ZodType>(schema: Schema) {
  return (json: unknown, where: string): z.output<Schema> => {
    const parsed = schema.safeParse(json)
    if (parsed.success) return parsed.data
    throw new DatasetError('dataset_bad_line', `${where} ${describeFirstIssue(parsed.error, json)}`)
  }
}
