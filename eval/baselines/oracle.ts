import type { Baseline, BaselineContext } from './baseline.ts'
import { predictedBaseline } from './predicted.ts'

/** The best outcome of every prompt, the cheapest among equals: what no router can beat. */
export function oracleBaseline(context: BaselineContext): Baseline {
  return predictedBaseline(
    'oracle',
    context,
    context.selection.evaluation,
    'best outcome per prompt, cheapest on ties',
  )
}
