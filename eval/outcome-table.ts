/**
 * A full-information dataset as dense arrays: one row per prompt, one column per arm, every cell known. Which rows and
 * arms make up the table is decided here, and what was left out is counted.
 */
import type { ArmOutcome, PromptRow } from '../datasets/index.ts'
import { type ClassOptions, countLabels, type LabelCounts, labelRows } from './class-labels.ts'
import { EvaluationError } from './errors.ts'

/** Cells are row-major: the outcome of arm `k` on row `i` is at `i * arms.length + k`. */
export interface OutcomeTable {
  readonly rowCount: number
  readonly arms: readonly string[]
  /** rowCount × arms, each in [0, 1]. */
  readonly quality: Float64Array
  /** rowCount × arms, USD per request. */
  readonly costUsd: Float64Array
  /** rowCount × arms; NaN where the dataset does not count tokens. */
  readonly inputTokens: Float64Array
  /** rowCount × arms; NaN where the dataset does not count tokens. */
  readonly outputTokens: Float64Array
  /** The request classes; shared by the tables of one selection. */
  readonly classes: readonly string[]
  /** Index into `classes`, per row. */
  readonly classOf: Int32Array
  readonly promptIds: readonly string[]
  readonly prompts: readonly string[]
}

export interface SelectionOptions extends ClassOptions {
  /** A split's name, or `all`. */
  readonly split: string
  /**
   * The arms to compare; rows without an outcome for one of them are dropped. Absent: the arms present on all rows. An
   * outcome without a known cost does not count.
   */
  readonly arms?: readonly string[]
  /** Splits to learn from before. Absent: see {@link Selection.training}. */
  readonly trainingSplits?: readonly string[]
}

export interface Selection {
  readonly split: string
  readonly evaluation: OutcomeTable
  /**
   * Rows to learn from before the evaluation. `test`: every other split. Another split: `train`. None for `train` and
   * `all`, whose predictions have to be cross-fitted.
   */
  readonly training: OutcomeTable | undefined
  readonly trainingSplits: readonly string[]
  readonly dropped: Dropped
}

/** A selection from a data set, and where the classes of the rows to judge on came from. */
export interface LabelledSelection extends Selection {
  readonly labels: LabelCounts
}

/** What the rules left out, for a report. */
export interface Dropped {
  /** Rows that the source asks to leave out of scores. */
  readonly contaminatedRows: number
  /** Rows on which no arm has a known cost. */
  readonly uncostedRows: number
  /** Rows without an outcome for one of the arms that were asked for. */
  readonly incompleteRows: number
  /** Arms left out because they are not on every row, with the number of rows they are on. */
  readonly arms: readonly { readonly arm: string; readonly rows: number }[]
}

/**
 * Picks rows by split and arms by coverage.
 *
 * @throws {EvaluationError} `eval_unknown_split` (the message lists the splits), `eval_unknown_arm`, `eval_no_rows`,
 * `eval_no_common_arm`, `eval_unknown_class`
 */
export function selectOutcomes(rows: readonly PromptRow[], options: SelectionOptions): LabelledSelection {
  const splits = countBy(rows, (row) => row.split)
  if (options.split !== 'all' && !splits.has(options.split)) {
    throw new EvaluationError(
      'eval_unknown_split',
      `no rows of split '${options.split}'; the splits are ${list(splits)}, or 'all'`,
    )
  }
  const trainingSplits = options.trainingSplits ?? splitsToLearnFrom(options.split, [...splits.keys()])
  for (const split of trainingSplits) {
    if (!splits.has(split)) {
      throw new EvaluationError(
        'eval_unknown_split',
        `no rows of split '${split}' to learn from; the splits are ${list(splits)}`,
      )
    }
    if (split === options.split || options.split === 'all') {
      throw new EvaluationError(
        'eval_bad_option',
        `split '${split}' would be learnt from before it is judged; judge another split than '${options.split}'`,
      )
    }
  }
  const isEvaluated = (row: PromptRow) => options.split === 'all' || row.split === options.split
  const inSplits = rows.filter((row) => isEvaluated(row) || trainingSplits.includes(row.split))
  const clean = inSplits.filter((row) => row.contaminated !== true)
  const wanted = clean.filter((row) => [...row.outcomes.values()].some(isCosted))
  if (wanted.length === 0 && clean.length > 0) {
    throw new EvaluationError(
      'eval_no_rows',
      `none of ${clean.length} rows tells what an outcome cost: give cost_usd, or prices and token counts, or usd_per_request in models.json`,
    )
  }
  const coverage = countArms(wanted)
  const arms = options.arms ?? armsOnEveryRow(coverage, wanted.length)
  for (const arm of arms) {
    if (!coverage.has(arm)) {
      throw new EvaluationError(
        'eval_unknown_arm',
        `no row has an outcome of '${arm}'; the arms are ${list(coverage)}`,
      )
    }
  }
  if (arms.length === 0) {
    throw new EvaluationError(
      'eval_no_common_arm',
      `no arm is present on all ${wanted.length} rows; name the arms to compare: ${list(coverage)}`,
    )
  }
  const complete = wanted.filter((row) => arms.every((arm) => isCosted(row.outcomes.get(arm))))
  const { classes, labels } = labelRows(complete, options)
  const labelOf = new Map(complete.map((row, i) => [row, labels[i]!]))
  const tableOf = (chosen: readonly PromptRow[]) =>
    buildTable(chosen, arms, classes, (row) => labelOf.get(row)!.name)
  const evaluated = complete.filter(isEvaluated)
  if (evaluated.length === 0) {
    throw new EvaluationError(
      'eval_no_rows',
      `no row of split '${options.split}' has an outcome for each of ${arms.join(', ')}`,
    )
  }
  const learnt = complete.filter((row) => !isEvaluated(row))
  if (options.trainingSplits !== undefined && learnt.length === 0) {
    throw new EvaluationError(
      'eval_no_rows',
      `no row of ${trainingSplits.join(', ')} to learn from has an outcome for each of ${arms.join(', ')}`,
    )
  }
  return {
    split: options.split,
    evaluation: tableOf(evaluated),
    training: learnt.length > 0 ? tableOf(learnt) : undefined,
    trainingSplits: learnt.length > 0 ? trainingSplits : [],
    dropped: {
      contaminatedRows: inSplits.length - clean.length,
      uncostedRows: clean.length - wanted.length,
      incompleteRows: wanted.length - complete.length,
      arms: [...coverage]
        .filter(([arm]) => !arms.includes(arm))
        .map(([arm, count]) => ({ arm, rows: count })),
    },
    labels: countLabels(evaluated.map((row) => labelOf.get(row)!)),
  }
}

/** The table of some rows, in the order given. */
export function subsetTable(table: OutcomeTable, rows: ArrayLike<number>): OutcomeTable {
  const armCount = table.arms.length
  const cells = (source: Float64Array) => {
    const target = new Float64Array(rows.length * armCount)
    for (let i = 0; i < rows.length; i++) {
      const from = rows[i]! * armCount
      target.set(source.subarray(from, from + armCount), i * armCount)
    }
    return target
  }
  return {
    rowCount: rows.length,
    arms: table.arms,
    quality: cells(table.quality),
    costUsd: cells(table.costUsd),
    inputTokens: cells(table.inputTokens),
    outputTokens: cells(table.outputTokens),
    classes: table.classes,
    classOf: Int32Array.from(rows, (row) => table.classOf[row]!),
    promptIds: Array.from(rows, (row) => table.promptIds[row]!),
    prompts: Array.from(rows, (row) => table.prompts[row]!),
  }
}

/** Mean of each arm's column of `cells` (rowCount × arms) under row weights that sum to the row count. */
export function armMeans(table: OutcomeTable, cells: Float64Array, weights?: Float64Array): Float64Array {
  const armCount = table.arms.length
  const means = new Float64Array(armCount)
  for (let row = 0; row < table.rowCount; row++) {
    const weight = weights === undefined ? 1 : weights[row]!
    if (weight === 0) continue
    const at = row * armCount
    for (let arm = 0; arm < armCount; arm++) means[arm]! += weight * cells[at + arm]!
  }
  for (let arm = 0; arm < armCount; arm++) means[arm]! /= table.rowCount
  return means
}

function splitsToLearnFrom(split: string, splits: readonly string[]): readonly string[] {
  if (split === 'all' || split === 'train') return []
  if (split === 'test') return splits.filter((other) => other !== 'test')
  return splits.filter((other) => other === 'train')
}

function armsOnEveryRow(coverage: ReadonlyMap<string, number>, rowCount: number): string[] {
  return [...coverage].filter(([, count]) => count === rowCount).map(([arm]) => arm)
}

function countArms(rows: readonly PromptRow[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const row of rows) {
    for (const [arm, outcome] of row.outcomes) {
      if (isCosted(outcome)) counts.set(arm, (counts.get(arm) ?? 0) + 1)
    }
  }
  return counts
}

/** Quality without a cost says nothing about a trade between the two. */
function isCosted(outcome: ArmOutcome | undefined): boolean {
  return outcome?.costUsd !== undefined
}

function countBy(rows: readonly PromptRow[], keyOf: (row: PromptRow) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1)
  return counts
}

function list(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `'${name}' (${count} rows)`).join(', ')
}

function buildTable(
  rows: readonly PromptRow[],
  arms: readonly string[],
  classes: readonly string[],
  classOfRow: (row: PromptRow) => string,
): OutcomeTable {
  const cellCount = rows.length * arms.length
  const quality = new Float64Array(cellCount)
  const costUsd = new Float64Array(cellCount)
  const inputTokens = new Float64Array(cellCount)
  const outputTokens = new Float64Array(cellCount)
  let cell = 0
  for (const row of rows) {
    for (const arm of arms) {
      const outcome = row.outcomes.get(arm)!
      quality[cell] = outcome.quality
      costUsd[cell] = outcome.costUsd!
      inputTokens[cell] = outcome.inputTokens ?? Number.NaN
      outputTokens[cell] = outcome.outputTokens ?? Number.NaN
      cell++
    }
  }
  const classIndex = new Map(classes.map((name, index) => [name, index]))
  return {
    rowCount: rows.length,
    arms,
    quality,
    costUsd,
    inputTokens,
    outputTokens,
    classes,
    classOf: Int32Array.from(rows, (row) => classIndex.get(classOfRow(row))!),
    promptIds: rows.map((row) => row.promptId),
    prompts: rows.map((row) => row.prompt),
  }
}
