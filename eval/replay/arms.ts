/** The arms of a dataset as the engine knows arms: an identity, a price and a prior. */
import type { ModelInfo } from '../../datasets/index.ts'
import {
  type Arm,
  type ArmId,
  CAPABILITIES,
  DEFAULT_PRIOR,
  ownValue,
  type Price,
} from '../../engine/index.ts'
import { EvaluationError } from '../errors.ts'
import type { OutcomeTable } from '../outcome-table.ts'

/** Nothing is believed of any arm: all start equal, in the middle of the scale. */
export const COLD_QUALITY = 0.5

/** An arm, and how long its answers are in the unit that its price is quoted in. */
export interface ReplayArm {
  readonly arm: Arm
  /** Per row of a table: output tokens to learn from. */
  readonly outputTokens: (table: OutcomeTable, row: number) => number
}

/**
 * An arm has its list price from `models.json` where every row counts its tokens. Where only the cost is recorded, the
 * arm is priced at $1 per million output tokens, nothing for input, and an answer of cost c counts as c · 10⁶ tokens: so
 * the engine's own length head learns the cost.
 *
 * @param priorQuality belief before any outcome, by arm; absent arms start at {@link COLD_QUALITY}
 * @throws {EvaluationError} `eval_unknown_arm` for a prior of an arm that is not in the tables
 */
export function replayArms(
  tables: readonly OutcomeTable[],
  models: ReadonlyMap<string, ModelInfo>,
  priorQuality: Readonly<Record<string, number>>,
): ReplayArm[] {
  const names = tables[0]!.arms
  for (const name of Object.keys(priorQuality)) {
    if (!names.includes(name)) {
      throw new EvaluationError(
        'eval_unknown_arm',
        `prior of unknown arm '${name}'; the arms are ${names.join(', ')}`,
      )
    }
  }
  return names.map((name, column) => {
    const model = models.get(name)
    const listed = model !== undefined && tables.every((table) => countsTokens(table, column))
    const cellOf = (table: OutcomeTable, row: number) => row * table.arms.length + column
    const price: Price = listed
      ? { inputUsdPerMtok: model.inputUsdPerMtok, outputUsdPerMtok: model.outputUsdPerMtok }
      : { inputUsdPerMtok: 0, outputUsdPerMtok: 1 }
    return {
      arm: {
        id: name as ArmId,
        provider: name.includes('/') ? name.slice(0, name.indexOf('/')) : 'dataset',
        model: name,
        price,
        // What is replayed was answered by every arm, whatever it asked for.
        capabilities: CAPABILITIES,
        prior: { ...DEFAULT_PRIOR, quality: ownValue(priorQuality, name) ?? COLD_QUALITY },
      },
      outputTokens: listed
        ? (table, row) => table.outputTokens[cellOf(table, row)]!
        : (table, row) => table.costUsd[cellOf(table, row)]! * 1e6,
    }
  })
}

function countsTokens(table: OutcomeTable, column: number): boolean {
  for (let cell = column; cell < table.outputTokens.length; cell += table.arms.length) {
    if (Number.isNaN(table.outputTokens[cell]!) || Number.isNaN(table.inputTokens[cell]!)) return false
  }
  return true
}
