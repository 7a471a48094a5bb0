/** Does a router get the quality that it expects? */
import type { Interval } from '../intervals/interval.ts'
import { DEFAULT_LEVEL } from '../intervals/interval.ts'
import { studentInterval } from '../intervals/student-t.ts'

/** Of the answers whose expected quality fell into one bin. */
export interface CalibrationBin {
  readonly n: number
  /** Mean of what was expected. */
  readonly expected: number
  /** Mean of what was seen, with Student's interval over the answers. */
  readonly seen: Interval
}

const BINS = 10

/** Bins with equally many answers, by rising expectation; none for fewer answers than bins. */
export function calibrationBins(
  expected: ArrayLike<number>,
  seen: ArrayLike<number>,
): readonly CalibrationBin[] {
  const order = Array.from({ length: expected.length }, (_, i) => i).sort(
    (one, other) => expected[one]! - expected[other]! || one - other,
  )
  if (order.length < 2 * BINS) return []
  return Array.from({ length: BINS }, (_, bin) => {
    const members = order.slice(
      Math.floor((order.length * bin) / BINS),
      Math.floor((order.length * (bin + 1)) / BINS),
    )
    const interval = studentInterval(
      members.map((i) => seen[i]!),
      DEFAULT_LEVEL,
    )!
    return {
      n: members.length,
      expected: members.reduce((sum, i) => sum + expected[i]!, 0) / members.length,
      seen: interval,
    }
  })
}
