import { outcomesOf } from '../row-outcomes.ts'
import { bestArm, sweepPredictions } from '../sweep.ts'
import type { Baseline, BaselineContext } from './baseline.ts'

/** The best outcome of every prompt, the cheapest among equals: what no router can beat. */
export function oracleBaseline({ selection, perUsd, perUsdGrid }: BaselineContext): Baseline {
  const table = selection.evaluation
  return {
    name: 'oracle',
    rows: outcomesOf(table, (row) => bestArm(table, table.arms.length, row, perUsd)),
    curve: sweepPredictions(table, table, perUsdGrid),
    detail: 'best outcome per prompt, cheapest on ties',
  }
}
