import { subsetTable } from '../outcome-table.ts'
import { outcomesOf } from '../row-outcomes.ts'
import type { Baseline, BaselineContext } from './baseline.ts'
import { bestSingleArm } from './best-single.ts'

/** The best arm of each request class, chosen on the very rows that are judged: the ceiling of routing by class. */
export function classHindsightBaseline({ selection, perUsd }: BaselineContext): Baseline {
  const table = selection.evaluation
  const rowsOfClass: number[][] = table.classes.map(() => [])
  table.classOf.forEach((label, row) => {
    rowsOfClass[label]!.push(row)
  })
  const armOfClass = rowsOfClass.map((rows) =>
    rows.length === 0 ? 0 : bestSingleArm(subsetTable(table, rows), perUsd),
  )
  return {
    name: 'classHindsight',
    rows: outcomesOf(table, (row) => armOfClass[table.classOf[row]!]!),
    detail: `best arm of each of ${table.classes.length} classes, in hindsight`,
  }
}
