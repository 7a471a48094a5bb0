/**
 * `node test/bench/attainable.ts [--set paretobandit] [--class-by category] [--orders 60]`: what a learner could have at most on a data set,
 * wishing for quality alone.
 *
 *   hindsight     the best arm, and the best arm of each class, by all outcomes
 *   all shown     follows the best class mean (shrunk by 20 rows to the arm's) while every arm's outcome is shown
 *   known world   Thompson sampling that sees the chosen arm alone, but is told how hard each class is, how far the arms differ from that and
 *                 how much their outcomes scatter: all that a prior could say. By the factor on its sds.
 */
import Table from 'cli-table3'
import { Command } from 'commander'
import { openDataset } from '../../datasets/index.ts'
import { bestArmProbabilities } from '../../engine/index.ts'
import type { ClassBy } from '../../eval/class-labels.ts'
import { studentInterval } from '../../eval/index.ts'
import { type OutcomeTable, selectOutcomes } from '../../eval/outcome-table.ts'
import { randomStream, shuffledIndexes } from '../../eval/random.ts'
import { seeded } from '../helpers/engine.ts'
import { sharedPath } from '../helpers/shared.ts'

const SHRINKAGE = 20
const FACTORS = [0.1, 0.3, 0.5, 0.7, 1]
const INTERCEPT_SD = 0.3

/** What all outcomes together say; classes × arms row-major. */
interface Truth {
  readonly arms: number
  readonly rowsOf: Float64Array
  readonly mean: Float64Array
  readonly armMean: Float64Array
  /** What is common to the arms in a class. */
  readonly classEffect: Float64Array
  /** Per arm: sd of its classes around that, and of its outcomes. */
  readonly deviationSd: Float64Array
  readonly outcomeSd: Float64Array
}

function truthOf({ rowCount, arms: { length: arms }, classes, classOf, quality }: OutcomeTable): Truth {
  const [rowsOf, mean] = [new Float64Array(classes.length), new Float64Array(classes.length * arms)]
  const armMean = new Float64Array(arms)
  for (let row = 0; row < rowCount; row++) {
    rowsOf[classOf[row]!]!++
    for (let k = 0; k < arms; k++) {
      const q = quality[row * arms + k]!
      mean[classOf[row]! * arms + k]! += q
      armMean[k]! += q / rowCount
    }
  }
  for (let cell = 0; cell < mean.length; cell++) mean[cell]! /= rowsOf[Math.floor(cell / arms)]!
  const classEffect = Float64Array.from(rowsOf, (_, c) => {
    let total = 0
    for (let k = 0; k < arms; k++) total += mean[c * arms + k]! - armMean[k]!
    return total / arms
  })
  const [deviations, scatter] = [new Float64Array(arms), new Float64Array(arms)]
  for (let row = 0; row < rowCount; row++) {
    const c = classOf[row]!
    for (let k = 0; k < arms; k++) {
      deviations[k]! += (mean[c * arms + k]! - armMean[k]! - classEffect[c]!) ** 2 / rowCount
      scatter[k]! += (quality[row * arms + k]! - mean[c * arms + k]!) ** 2 / rowCount
    }
  }
  return {
    arms,
    rowsOf,
    mean,
    armMean,
    classEffect,
    deviationSd: deviations.map(Math.sqrt),
    outcomeSd: scatter.map(Math.sqrt),
  }
}

/** Per class and arm: how much was seen, in outcomes, and their sum. */
class Seen {
  readonly weight: Float64Array
  readonly total: Float64Array
  readonly arms: number

  constructor({ mean, arms }: Truth) {
    this.weight = new Float64Array(mean.length)
    this.total = new Float64Array(mean.length)
    this.arms = arms
  }

  add(c: number, k: number, quality: number): void {
    this.weight[c * this.arms + k]!++
    this.total[c * this.arms + k]! += quality
  }
}

function allShown(table: OutcomeTable, truth: Truth, order: Int32Array): number {
  const { arms } = truth
  const [seen, overall] = [new Seen(truth), new Float64Array(arms)]
  let reward = 0
  for (const [step, row] of order.entries()) {
    const c = table.classOf[row]!
    let [best, bestValue] = [0, Number.NEGATIVE_INFINITY]
    for (let k = 0; k < arms; k++) {
      const armMean = (overall[k]! + 0.5) / (step + 1)
      const cell = c * arms + k
      const value = (seen.total[cell]! + SHRINKAGE * armMean) / (seen.weight[cell]! + SHRINKAGE)
      if (value > bestValue) [best, bestValue] = [k, value]
    }
    reward += table.quality[row * arms + best]! / order.length
    for (let k = 0; k < arms; k++) {
      seen.add(c, k, table.quality[row * arms + k]!)
      overall[k]! += table.quality[row * arms + k]!
    }
  }
  return reward
}

function knownWorld(
  table: OutcomeTable,
  truth: Truth,
  order: Int32Array,
  seed: number,
  factor: number,
): number {
  const { arms, classEffect, deviationSd, outcomeSd, armMean } = truth
  const priorMean = armMean.reduce((sum, value) => sum + value / arms, 0)
  const seen = new Seen(truth)
  const uniform = seeded(seed)
  const [mean, sd] = [new Float64Array(arms), new Float64Array(arms)]
  let reward = 0
  for (const row of order) {
    const c = table.classOf[row]!
    for (let k = 0; k < arms; k++) {
      const [tau2, sigma2] = [deviationSd[k]! ** 2, outcomeSd[k]! ** 2]
      let [precision, pull] = [1 / INTERCEPT_SD ** 2, priorMean / INTERCEPT_SD ** 2]
      for (let other = 0; other < classEffect.length; other++) {
        const n = seen.weight[other * arms + k]!
        if (n === 0) continue
        const weight = 1 / (sigma2 / n + tau2)
        precision += weight
        pull += weight * (seen.total[other * arms + k]! / n - classEffect[other]!)
      }
      const n = seen.weight[c * arms + k]!
      const own = (n * tau2) / (sigma2 + n * tau2)
      const level = pull / precision
      const above = n > 0 ? seen.total[c * arms + k]! / n - classEffect[c]! : 0
      mean[k] = classEffect[c]! + (1 - own) * level + own * above
      sd[k] = factor * Math.sqrt((1 - own) ** 2 / precision + tau2 * (1 - own))
    }
    const probabilities = bestArmProbabilities(mean, sd)
    let [k, left] = [0, uniform()]
    while (k < arms - 1 && left >= probabilities[k]!) left -= probabilities[k++]!
    const quality = table.quality[row * arms + k]!
    reward += quality / order.length
    seen.add(c, k, quality)
  }
  return reward
}

interface Options {
  readonly set: string
  readonly classBy: ClassBy
  readonly orders: number
}

await new Command('attainable')
  .description('What a learner could have at most on a data set.')
  .option('--set <name>', 'folder of the reference data', 'paretobandit')
  .option('--class-by <field>', 'category or task', 'category')
  .option('--orders <number>', 'orders of the rows', Number, 60)
  .action(async ({ set, classBy, orders }: Options) => {
    const rows = []
    for await (const row of (await openDataset(sharedPath('data', set))).rows()) rows.push(row)
    const { evaluation: table } = selectOutcomes(rows, { split: 'all', classBy })
    const truth = truthOf(table)
    const bestOfClass = (c: number) => Math.max(...truth.mean.subarray(c * truth.arms, (c + 1) * truth.arms))
    const perClass = truth.rowsOf.reduce((sum, n, c) => sum + (n / table.rowCount) * bestOfClass(c), 0)
    const over = (run: (order: Int32Array, seed: number) => number): string => {
      const rewards = Array.from({ length: orders }, (_, i) =>
        run(shuffledIndexes(table.rowCount, randomStream('replay-order', i + 1)), i + 1),
      )
      const interval = studentInterval(rewards, 0.95)
      return interval ? `${interval.mean.toFixed(4)} ± ${((interval.hi - interval.lo) / 2).toFixed(4)}` : ''
    }
    const output = new Table({ head: ['learner', 'reward'], style: { head: [], border: [], compact: true } })
    output.push(['best single arm, hindsight', Math.max(...truth.armMean).toFixed(4)])
    output.push(['best arm per class, hindsight', perClass.toFixed(4)])
    output.push(['all shown', over((order) => allShown(table, truth, order))])
    for (const factor of FACTORS) {
      const reward = over((order, seed) => knownWorld(table, truth, order, seed, factor))
      output.push([`known world, factor ${factor}`, reward])
    }
    process.stdout.write(
      `${set} by ${classBy}: ${table.rowCount} rows × ${truth.arms} arms\n${output.toString()}\n`,
    )
  })
  .parseAsync()
