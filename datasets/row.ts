/** One line of `prompts.jsonl` as a typed record. Unknown fields are allowed: sources add their own. */
import { z } from 'zod'
import { describeFirstIssue } from './issues.ts'
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
      .record(name, outcomeSchema, 'expected an object with one outcome per arm')
      .refine((outcomes) => Object.keys(outcomes).length > 0, 'expected at least one arm'),
  },
  'expected an object',
)

/**
 * Parses and validates one line; `where` (`file:line`) starts the message of every error.
 *
 * @throws {DatasetError} `dataset_bad_line`
 */
export function parseRow(text: string, where: string): PromptRow {
  const json = parseJson(text, where)
  const parsed = rowSchema.safeParse(json)
  if (!parsed.success) {
    throw new DatasetError('dataset_bad_line', `${where} ${describeFirstIssue(parsed.error, json)}`)
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

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new DatasetError('dataset_bad_line', `${where}: not JSON: ${(cause as Error).message}`, { cause })
  }
}
