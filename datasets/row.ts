/** One line of `prompts.jsonl` as a typed record, and back. Unknown fields are allowed: sources add their own. */
import { z } from 'zod'
import { describeIssues, refusingProto } from './issues.ts'
import { type ArmOutcome, DatasetError, type PromptRow } from './types.ts'

const share = z
  .number('expected a number in [0, 1]')
  .min(0, 'expected a number in [0, 1]')
  .max(1, 'expected a number in [0, 1]')
const usd = z.number('expected USD ≥ 0').min(0, 'expected USD ≥ 0')
const tokens = z.int('expected a whole number of tokens ≥ 0').min(0, 'expected a whole number of tokens ≥ 0')
const name = z.string('expected a non-empty string').min(1, 'expected a non-empty string')

const outcomeSchema = z.object(
  {
    quality: share,
    cost_usd: usd.optional(),
    input_tokens: tokens.optional(),
    output_tokens: tokens.optional(),
  },
  'expected an object with quality and cost_usd',
)

const rowSchema = z.object(
  {
    prompt_id: name,
    split: name,
    task: name,
    category: name.optional(),
    prompt: name,
    contaminated: z.boolean('expected true or false').optional(),
    outcomes: z
      .preprocess(refusingProto, z.record(name, outcomeSchema, 'expected an object with one outcome per arm'))
      .refine((outcomes) => Object.keys(outcomes).length > 0, 'expected at least one arm'),
  },
  'expected an object',
)
export type RowJson = z.output<typeof rowSchema>

/**
 * Validates a row as it stands in `prompts.jsonl`; `where` (`file:line`) starts the message of every error.
 *
 * @throws {DatasetError} `dataset_bad_line`, with all that is wrong with the row
 */
export function fromRowJson(json: unknown, where: string): PromptRow {
  const parsed = rowSchema.safeParse(json)
  if (!parsed.success) {
    const [first = parsed.error.message, ...more] = describeIssues(parsed.error, json)
    throw new DatasetError('dataset_bad_line', `${where} ${first}`, {
      more: more.map((issue) => `${where} ${issue}`),
    })
  }
  const row = parsed.data
  const outcomes = new Map<string, ArmOutcome>()
  for (const [arm, outcome] of Object.entries(row.outcomes)) {
    outcomes.set(arm, {
      quality: outcome.quality,
      costUsd: outcome.cost_usd,
      inputTokens: outcome.input_tokens,
      outputTokens: outcome.output_tokens,
    })
  }
  return {
    promptId: row.prompt_id,
    split: row.split,
    task: row.task,
    category: row.category ?? row.task,
    prompt: row.prompt,
    ...(row.contaminated === undefined ? {} : { contaminated: row.contaminated }),
    outcomes,
  }
}

/** The row as a line of `prompts.jsonl` holds it. */
export function toRowJson(row: PromptRow): RowJson {
  const outcomes = [...row.outcomes].map(([arm, outcome]) => [
    arm,
    {
      quality: outcome.quality,
      ...(outcome.costUsd !== undefined && { cost_usd: outcome.costUsd }),
      ...(outcome.inputTokens !== undefined && { input_tokens: outcome.inputTokens }),
      ...(outcome.outputTokens !== undefined && { output_tokens: outcome.outputTokens }),
    },
  ])
  return {
    prompt_id: row.promptId,
    split: row.split,
    task: row.task,
    ...(row.category !== row.task && { category: row.category }),
    prompt: row.prompt,
    ...(row.contaminated !== undefined && { contaminated: row.contaminated }),
    outcomes: Object.fromEntries(outcomes),
  }
}
