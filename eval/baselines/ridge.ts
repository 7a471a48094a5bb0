/**
 * The ridge router: of each arm a linear regression of quality and cost on what the engine sees of a request (class, structure,
 * and text coordinates, fitted on prompts alone). The penalty is chosen on training rows alone, by their
 * own cross-validation. Unlike the engine's heads it pools nothing between arms and knows no scale by block.
 */
import { CholeskyDecomposition, Matrix } from 'ml-matrix'
import { createFeatureSpace } from '../../engine/index.ts'
import { fitProjectionUpTo, textsToFitOn } from '../feature-space.ts'
import { describeTraining, foldsOf, inFolds } from '../folds.ts'
import type { OutcomeTable } from '../outcome-table.ts'
import { describeRows } from '../replay/requests.ts'
import type { Baseline, BaselineContext } from './baseline.ts'
import { emptyPredictions, predictedBaseline } from './predicted.ts'

const TEXT_COMPONENTS = 40
const INNER_FOLDS = 5
/** On coordinates within [−1, 1]; none on the intercept. */
export const PENALTIES: readonly number[] = [0.3, 1, 3, 10, 30, 100, 300, 1_000, 3_000]

export function ridgeBaseline(context: BaselineContext): Baseline {
  const { selection } = context
  const table = selection.evaluation
  const armCount = table.arms.length
  const predictions = emptyPredictions(table)
  const chosen = new Set<number>()
  const text = fitProjectionUpTo(textsToFitOn(selection), TEXT_COMPONENTS)
  const space = createFeatureSpace({ classes: table.classes, ...(text && { text }) })
  const contextsOf = (of: OutcomeTable) => describeRows(of, space.text).map((facts) => space.vector(facts))
  const asked = contextsOf(table)
  for (const { training, rows } of foldsOf(selection)) {
    const learnt = contextsOf(training)
    const innerFolds = inFolds(training.prompts, INNER_FOLDS)
    for (const kind of ['quality', 'costUsd'] as const) {
      const model = fitRidge(learnt, training[kind], armCount, innerFolds)
      if (kind === 'quality') chosen.add(model.penalty)
      for (const row of rows) {
        predictions[kind].set(predict(model.coefficients, asked[row]!, armCount), row * armCount)
      }
    }
  }
  const penalties = [...chosen].sort((one, other) => one - other).join(', ')
  return predictedBaseline(
    'ridge',
    context,
    predictions,
    `penalty ${penalties}, ${describeTraining(selection)}`,
  )
}

export interface RidgeModel {
  readonly penalty: number
  /** features × arms, row-major. */
  readonly coefficients: Float64Array
}

/**
 * One penalty for all arms: the one of {@link PENALTIES} with the least squared error in cross-validation.
 *
 * @param cells rows × arms
 * @param folds of the rows, by which the penalty is chosen
 */
export function fitRidge(
  contexts: readonly Float64Array[],
  cells: Float64Array,
  armCount: number,
  folds: Int32Array,
): RidgeModel {
  const parts = Array.from({ length: INNER_FOLDS }, (_, fold) =>
    sumsOf(contexts, cells, armCount, (row) => folds[row] === fold),
  )
  const all = parts.reduce((sum, part) => sum.plus(part))
  // Means of large and of small numbers, quality and USD, are penalised alike: the penalty is on contexts.
  const errors = PENALTIES.map((penalty) => {
    let error = 0
    for (const [fold, part] of parts.entries()) {
      const coefficients = solve(all.minus(part), penalty)
      for (const [row, context] of contexts.entries()) {
        if (folds[row] !== fold) continue
        const predicted = predict(coefficients, context, armCount)
        for (let arm = 0; arm < armCount; arm++)
          error += (predicted[arm]! - cells[row * armCount + arm]!) ** 2
      }
    }
    return error
  })
  const penalty = PENALTIES[errors.indexOf(Math.min(...errors))]!
  return { penalty, coefficients: solve(all, penalty) }
}

/** XᵀX and XᵀY: what a fit needs of its rows, so that leaving a fold out is a subtraction. */
class Sums {
  readonly gram: Matrix
  readonly target: Matrix
  constructor(gram: Matrix, target: Matrix) {
    this.gram = gram
    this.target = target
  }
  plus(other: Sums): Sums {
    return new Sums(Matrix.add(this.gram, other.gram), Matrix.add(this.target, other.target))
  }
  minus(other: Sums): Sums {
    return new Sums(Matrix.sub(this.gram, other.gram), Matrix.sub(this.target, other.target))
  }
}

function sumsOf(
  contexts: readonly Float64Array[],
  cells: Float64Array,
  armCount: number,
  isIn: (row: number) => boolean,
): Sums {
  const d = contexts[0]!.length
  const gram = new Float64Array(d * d)
  const target = new Float64Array(d * armCount)
  for (const [row, x] of contexts.entries()) {
    if (!isIn(row)) continue
    for (let i = 0; i < d; i++) {
      const xi = x[i]!
      if (xi === 0) continue
      for (let j = 0; j < d; j++) gram[i * d + j]! += xi * x[j]!
      for (let arm = 0; arm < armCount; arm++)
        target[i * armCount + arm]! += xi * cells[row * armCount + arm]!
    }
  }
  return new Sums(Matrix.from1DArray(d, d, gram), Matrix.from1DArray(d, armCount, target))
}

function solve({ gram, target }: Sums, penalty: number): Float64Array {
  const penalised = gram.clone()
  // The intercept is what all else is measured from; a trace keeps an empty fold soluble.
  for (let i = 0; i < penalised.rows; i++)
    penalised.set(i, i, penalised.get(i, i) + (i === 0 ? 1e-9 : penalty))
  return Float64Array.from(new CholeskyDecomposition(penalised).solve(target).to1DArray())
}

function predict(coefficients: Float64Array, context: Float64Array, armCount: number): Float64Array {
  const predicted = new Float64Array(armCount)
  for (let i = 0; i < context.length; i++) {
    const xi = context[i]!
    if (xi === 0) continue
    const at = i * armCount
    for (let arm = 0; arm < armCount; arm++) predicted[arm]! += xi * coefficients[at + arm]!
  }
  return predicted
}
