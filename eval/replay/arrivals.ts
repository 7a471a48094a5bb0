/** In which order the rows of a table come as requests. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { ownValue } from '../../engine/index.ts'
import type { OutcomeTable } from '../outcome-table.ts'
import { randomStream, shuffledIndexes } from '../random.ts'
import type { Stage } from './stages.ts'

/** From `fromStep` on rows of a class come so many times as readily as those of a class that is not named. */
export type ClassMix = Pick<Stage, 'fromStep' | 'classWeights'>

/**
 * A random order of the rows. Where classes have weights the next row is drawn in proportion to them from those that have not
 * come yet: a class that comes more readily is used up the sooner. Until the first mix with weights it is the same order as
 * without any.
 *
 * @param mixes by rising `fromStep`
 */
export function arrivalOrder(table: OutcomeTable, mixes: readonly ClassMix[], seed: number): Int32Array {
  const shuffled = shuffledIndexes(table.rowCount, randomStream('replay-order', seed))
  const first = mixes.find(({ classWeights }) => Object.keys(classWeights).length > 0)
  if (first === undefined) return shuffled
  const order = new Int32Array(table.rowCount)
  order.set(shuffled.subarray(0, first.fromStep))
  // By class, the rows that have not come, in the order in which they would have.
  const waiting: number[][] = table.classes.map(() => [])
  for (const row of shuffled.subarray(first.fromStep).toReversed()) waiting[table.classOf[row]!]!.push(row)
  const random = randomStream('class-mix', seed)
  for (let step = first.fromStep; step < order.length; step++) {
    const { classWeights } = mixes.findLast(({ fromStep }) => fromStep <= step)!
    const masses = waiting.map(
      (rows, label) => rows.length * (ownValue(classWeights, table.classes[label]!) ?? 1),
    )
    // Where only classes of weight 0 are left they come after all: every row is a request.
    const drawn = labelOf(masses, uniformFloat64(random)) ?? waiting.findIndex((rows) => rows.length > 0)
    order[step] = waiting[drawn]!.pop()!
  }
  return order
}

/** Where `uniform`, in [0, 1), falls in the running sum of the masses; undefined where there is none. */
function labelOf(masses: readonly number[], uniform: number): number | undefined {
  let left = uniform * masses.reduce((sum, mass) => sum + mass, 0)
  let last: number | undefined
  for (const [label, mass] of masses.entries()) {
    if (!(mass > 0)) continue
    last = label
    left -= mass
    if (left < 0) break
  }
  return last
}
