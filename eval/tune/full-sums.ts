/** What routers learn from rows whose every outcome is known, as sums: one pass, without a router, in any order. */
import type { FeatureSpace, HeadSums, RequestFacts } from '../../engine/index.ts'
import type { OutcomeTable } from '../outcome-table.ts'
import type { ReplayArm } from '../replay/arms.ts'

/**
 * Of each arm the heads `quality` and `output_tokens`, each row counted once and none faded: the same sums as teaching a router
 * row by row, but for its watch for changes, which a file's order would only confuse.
 */
export function fullInformationSums(
  table: OutcomeTable,
  facts: readonly RequestFacts[],
  arms: readonly ReplayArm[],
  space: FeatureSpace,
): readonly HeadSums[] {
  const contexts = facts.map((each) => space.vector(each))
  return arms.flatMap((replayed, column) => {
    const quality = (row: number) => table.quality[row * arms.length + column]!
    const tokens = (row: number) => replayed.outputTokens(table, row)
    const everyRow = () => true
    const entries = [
      ['quality', space.dimension, quality, everyRow],
      // The logarithm of no tokens says nothing of an answer's length.
      [
        'output_tokens',
        space.servingDimension,
        (row: number) => Math.log(tokens(row)),
        (row: number) => tokens(row) > 0,
      ],
    ] as const
    return entries.map(([head, dimension, value, counts]): HeadSums => {
      const sums = sumUp(contexts, dimension, value, counts)
      return { arm: replayed.arm.id, head, featureSpace: space.id, asOfMs: 0, ...sums }
    })
  })
}

function sumUp(
  contexts: readonly Float64Array[],
  d: number,
  value: (row: number) => number,
  counts: (row: number) => boolean,
): Pick<HeadSums, 'n' | 'A' | 'b' | 'c'> {
  const A = new Float64Array((d * (d + 1)) / 2)
  const b = new Float64Array(d)
  let n = 0
  let c = 0
  for (const [row, x] of contexts.entries()) {
    if (!counts(row)) continue
    const y = value(row)
    n++
    c += y * y
    for (let i = 0, k = 0; i < d; i++, k += i) {
      const xi = x[i]!
      if (xi === 0) continue
      b[i]! += xi * y
      for (let j = 0; j <= i; j++) A[k + j]! += xi * x[j]!
    }
  }
  return { n, A, b, c }
}
