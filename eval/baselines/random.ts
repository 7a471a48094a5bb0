import type { Baseline, BaselineContext } from './baseline.ts'

/** Every arm with equal probability; its expectation, so no draw adds noise. */
export function randomBaseline({ selection }: BaselineContext): Baseline {
  const table = selection.evaluation
  const armCount = table.arms.length
  const rowMean = (cells: Float64Array) =>
    Float64Array.from({ length: table.rowCount }, (_, row) => {
      let sum = 0
      for (let arm = 0; arm < armCount; arm++) sum += cells[row * armCount + arm]!
      return sum / armCount
    })
  return {
    name: 'random',
    rows: { quality: rowMean(table.quality), costUsd: rowMean(table.costUsd) },
    detail: `each of ${armCount} arms equally often`,
  }
}
