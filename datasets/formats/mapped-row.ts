/** A line of a mapped table as a prompt and an outcome. */
import { basename } from 'node:path'
import { badCell, numberIn, required, textIn, truthIn } from '../read/cells.ts'
import type { Table, TableRow } from '../read/table.ts'
import { normalisePrompt, splitOf } from '../split-rule.ts'
import type { ArmOutcome, PromptRow } from '../types.ts'
import type { ColumnOrValue, Mapping, OutcomeColumns } from './mapping.ts'

/** What a line says of its prompt, beside the outcomes. @throws {DatasetError} `dataset_bad_line` */
export function promptIn(
  line: TableRow,
  table: Table,
  mapping: Mapping,
  set: string,
  outcomes: ReadonlyMap<string, ArmOutcome>,
): PromptRow {
  const { prompt_id: id, contaminated: leaked } = mapping
  const prompt = required(textIn(line, mapping.prompt), line, mapping.prompt, 'a text')
  const task = valueIn(line, mapping.task) ?? set
  const contaminated = leaked === undefined ? undefined : truthIn(line, leaked)
  return {
    promptId:
      id === undefined
        ? `${basename(table.path)}:${line.number}`
        : required(textIn(line, id), line, id, 'an id'),
    split: valueIn(line, mapping.split) ?? splitOf(set, normalisePrompt(prompt)),
    task,
    category: valueIn(line, mapping.category) ?? task,
    prompt,
    ...(contaminated !== undefined && { contaminated }),
    outcomes,
  }
}

/** Undefined: no quality, so the arm has no outcome on the line. @throws {DatasetError} `dataset_bad_line` */
export function outcomeIn(line: TableRow, columns: OutcomeColumns, mapping: Mapping): ArmOutcome | undefined {
  const [least, most] = mapping.quality_range ?? [0, 1]
  const found = numberIn(line, columns.quality)
  if (found === undefined) return undefined
  if (found < least || found > most) {
    throw badCell(line, columns.quality, `a quality in [${least}, ${most}]`, found)
  }
  const costUsd = columns.cost_usd === undefined ? undefined : numberIn(line, columns.cost_usd)
  if (costUsd !== undefined && costUsd < 0) throw badCell(line, columns.cost_usd ?? '', 'USD ≥ 0', costUsd)
  return {
    quality: (found - least) / (most - least),
    costUsd: costUsd === undefined ? undefined : costUsd * (mapping.cost_factor ?? 1),
    inputTokens: tokensIn(line, columns.input_tokens),
    outputTokens: tokensIn(line, columns.output_tokens),
  }
}

function tokensIn(line: TableRow, column: string | undefined): number | undefined {
  if (column === undefined) return undefined
  const tokens = numberIn(line, column)
  if (tokens === undefined || (Number.isInteger(tokens) && tokens >= 0)) return tokens
  throw badCell(line, column, 'a whole number of tokens ≥ 0', tokens)
}

function valueIn(line: TableRow, from: ColumnOrValue | undefined): string | undefined {
  if (from === undefined) return undefined
  return typeof from === 'string' ? textIn(line, from) : from.value
}
