/**
 * RouterBench: a row per prompt; for each model `M` a column `M` with its score in [0, 1] and a column `M|total_cost` in USD. The
 * same columns in CSV and Parquet; docs/datasets.md has the one line of Python that makes them of the published pickles.
 *
 * @see Hu et al. 2024, "RouterBench", arXiv 2403.12031
 */
import { basename } from 'node:path'
import { badCell, numberIn, required, textIn } from '../read/cells.ts'
import { decodeOrTell } from '../read/options.ts'
import type { Table, TableRow } from '../read/table.ts'
import { normalisePrompt, splitOf } from '../split-rule.ts'
import { type ArmOutcome, DatasetError, type PromptRow } from '../types.ts'
import { pythonTexts } from './python-list.ts'
import type { RowSource } from './source.ts'

const ID = 'sample_id'
const TASK = 'eval_name'
const PROMPT = 'prompt'
const COST = '|total_cost'
const RESPONSE = '|model_response'

export function isRouterBench(columns: readonly string[]): boolean {
  return [ID, TASK, PROMPT].every((name) => columns.includes(name)) && armsOf(columns).length > 0
}

/** @param tables of the same layout; `…_train` and `…_test` at the end of a name say the split of its rows */
export function routerBench(tables: readonly Table[], name: string): RowSource {
  return {
    name,
    format: 'routerbench',
    files: tables.map(({ path }) => path),
    async *rows(options) {
      for (const table of tables) {
        const arms = armsOf(table.columns ?? [])
        const split = splitOfName(table.path)
        // The answers' texts are most of the file and none of the row.
        const columns = [ID, TASK, PROMPT, ...arms.flatMap((arm) => [arm, `${arm}${COST}`])]
        const there = table.columns?.filter((column) => columns.includes(column) || column === 'split')
        for await (const line of table.rows(options, there)) {
          const row = decodeOrTell(options, () => rowOf(line, arms, split, name))
          if (row !== undefined) yield { row, where: line.where, number: line.number }
        }
      }
    },
  }
}

function rowOf(line: TableRow, arms: readonly string[], split: string | undefined, set: string): PromptRow {
  const prompt = pythonTexts(required(textIn(line, PROMPT), line, PROMPT, 'a text')).join('\n\n')
  const task = required(textIn(line, TASK), line, TASK, 'a text')
  const outcomes = new Map<string, ArmOutcome>()
  for (const arm of arms) {
    const quality = numberIn(line, arm)
    // A blank score: the model was not judged on this prompt.
    if (quality === undefined) continue
    if (quality < 0 || quality > 1) throw badCell(line, arm, 'a score in [0, 1]', quality)
    const costUsd = numberIn(line, `${arm}${COST}`)
    if (costUsd !== undefined && costUsd < 0) throw badCell(line, `${arm}${COST}`, 'USD ≥ 0', costUsd)
    outcomes.set(arm, { quality, costUsd, inputTokens: undefined, outputTokens: undefined })
  }
  if (outcomes.size === 0) {
    throw new DatasetError('dataset_bad_line', `${line.where}: expected a score for at least one model`)
  }
  return {
    promptId: required(textIn(line, ID), line, ID, 'an id'),
    split: textIn(line, 'split') ?? split ?? splitOf(set, normalisePrompt(prompt)),
    task,
    category: task,
    prompt,
    outcomes,
  }
}

function armsOf(columns: readonly string[]): readonly string[] {
  return columns.filter(
    (name) => columns.includes(`${name}${COST}`) || columns.includes(`${name}${RESPONSE}`),
  )
}

function splitOfName(path: string): string | undefined {
  return /_(train|test|val|validation|dev)\.[^/]*$/.exec(basename(path))?.[1]
}
