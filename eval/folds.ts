/** Which rows are learnt from before which rows are predicted. */
import { hash53 } from '../engine/index.ts'
import { type OutcomeTable, type Selection, subsetTable } from './outcome-table.ts'

/** Learn from `training`, then predict `rows` (indexes into the evaluation table). */
export interface Fold {
  readonly training: OutcomeTable
  readonly rows: Int32Array
}

const FOLD_COUNT = 5

/**
 * One fold over everything where the selection has training rows; else {@link FOLD_COUNT} folds, each predicted from
 * the others. Equal prompts (up to whitespace) share a fold, so that no answer is learnt from its own twin.
 */
export function foldsOf(selection: Selection): readonly Fold[] {
  const { evaluation, training } = selection
  if (training !== undefined) {
    return [{ training, rows: Int32Array.from({ length: evaluation.rowCount }, (_, row) => row) }]
  }
  const foldOf = inFolds(evaluation.prompts, FOLD_COUNT)
  const rowsWhere = (keep: (fold: number) => boolean) =>
    Int32Array.from([...foldOf].flatMap((fold, row) => (keep(fold) ? [row] : [])))
  return Array.from({ length: FOLD_COUNT }, (_, fold) => fold)
    .map((fold) => ({
      training: subsetTable(
        evaluation,
        rowsWhere((other) => other !== fold),
      ),
      rows: rowsWhere((other) => other === fold),
    }))
    .filter((fold) => fold.rows.length > 0)
}

/** Whether every row can be predicted from others: not where all rows that there are share a prompt, and so a fold. */
export function canBeForetold({ evaluation, training }: Selection): boolean {
  if (training !== undefined) return true
  const [first, ...others] = evaluation.prompts
  const fold = first === undefined ? 0 : foldOf(first, FOLD_COUNT)
  return others.some((prompt) => foldOf(prompt, FOLD_COUNT) !== fold)
}

/** The fold of each prompt, 0 … count − 1, by its text: equal prompts share one. */
export function inFolds(prompts: readonly string[], count: number, salt = 'fold'): Int32Array {
  return Int32Array.from(prompts, (prompt) => foldOf(prompt, count, salt))
}

function foldOf(prompt: string, count: number, salt = 'fold'): number {
  return Math.floor(hash53(normalizedPrompt(prompt), salt) * count)
}

/** Equal for prompts that differ in white space alone. */
export function normalizedPrompt(prompt: string): string {
  return prompt.replaceAll(/\s+/g, ' ').trim()
}

/** How the predictions came about, for a report: `trained on 6604 rows of train, val` or `cross-fitted in 5 folds`. */
export function describeTraining(selection: Selection): string {
  if (!canBeForetold(selection)) return 'none: all rows share one prompt, and none is foretold by another'
  return selection.training === undefined
    ? `cross-fitted in ${FOLD_COUNT} folds`
    : `trained on ${selection.training.rowCount} rows of ${selection.trainingSplits.join(', ')}`
}
