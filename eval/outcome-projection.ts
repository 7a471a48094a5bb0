/**
 * A text block that is told what came of its texts: coordinates that foretell which arms do better beside the others than their
 * class lets one expect. Fitted on prompts alone (as `fitTextProjection` does) the strongest directions are topics, which a
 * request's class mostly tells already; these are the directions that matter for the choice.
 */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import {
  centredProduct,
  createWordBlock,
  fitSparseRidge,
  fitTfIdf,
  type SparseRidge,
  type SparseRow,
  type TfIdf,
  type WordProjection,
  wordProjection,
} from '../engine/index.ts'
import { shrunkClassMeans } from './baselines/category-mean.ts'
import { inFolds } from './folds.ts'
import { type OutcomeTable, subsetTable } from './outcome-table.ts'

export interface OutcomeProjection {
  readonly projection: WordProjection
  /**
   * By row of the table, length `components`: the row's coordinates by what was learnt from other rows. Heads have to be taught with
   * these: by its own outcome a text foretells itself far too well, and they would trust it as much.
   */
  readonly crossFitted: readonly Float64Array[]
  /** Of the ridge regression; the one of {@link PENALTIES} that foretold the other rows best. */
  readonly penalty: number
}

/** On tf-idf rows of length 1. */
const PENALTIES: readonly number[] = [5, 10, 20, 40, 80]
const FOLDS = 5
/** Hashed words that share a bucket blur each other, which costs more here than where only topics are looked for. */
const BUCKETS_PER_WORD = 4
const BUCKETS_MAX = 1 << 16
const COMPONENTS_MAX = 16
/** A direction with less than this share of the spread is rounding. */
const LEAST_SHARE = 1e-9

/**
 * Ridge regression of how the arms differ beyond their shrunken class means, and the principal directions of what it foretells: reduced-rank
 * regression (Izenman 1975). The penalty is chosen, and the table's own coordinates are made, by cross-fitting: equal prompts
 * share a fold.
 *
 * What it foretells may be worth nothing: whether it is, heads that are taught with `crossFitted` have to tell.
 *
 * @returns undefined where there are too few rows, or the arms differ nowhere
 */
export function fitOutcomeProjection(table: OutcomeTable): OutcomeProjection | undefined {
  const folds = foldsOf(table)
  if (folds === undefined) return undefined
  const { buckets, idf, rows } = fitTexts(table.prompts)
  const fit = (which: Int32Array, penalty: number) =>
    fitSparseRidge(
      pick(rows, which),
      buckets,
      residualsOf(subsetTable(table, which), subsetTable(table, which)),
      penalty,
    )
  const tried = PENALTIES.map((penalty) => {
    const models = folds.map(({ others }) => fit(others, penalty))
    const errors = folds.map(({ own, others }, fold) => {
      const observed = residualsOf(subsetTable(table, own), subsetTable(table, others))
      return observed.sub(foretold(models[fold]!, pick(rows, own))).norm() ** 2
    })
    return { penalty, models, squaredError: errors.reduce((sum, error) => sum + error, 0) }
  })
  const best = tried.reduce((one, other) => (other.squaredError < one.squaredError ? other : one))
  const every = Int32Array.from(rows.keys())
  const whole = fit(every, best.penalty)
  const main = mainDirections(foretold(whole, rows))
  if (main === undefined) return undefined
  const { basis, rms } = main
  const projectionOf = ({ mean, coefficients }: SparseRidge) =>
    wordProjection(idf, mean, coefficients.mmul(basis), rms)
  const crossFitted: Float64Array[] = []
  for (const [fold, { own }] of folds.entries()) {
    const block = createWordBlock(projectionOf(best.models[fold]!))
    for (const row of own) crossFitted[row] = block.describe(table.prompts[row]!)
  }
  return { projection: projectionOf(whole), crossFitted, penalty: best.penalty }
}

interface Fold {
  readonly own: Int32Array
  readonly others: Int32Array
}

function foldsOf({ prompts }: OutcomeTable): readonly Fold[] | undefined {
  const foldOf = inFolds(prompts, FOLDS, 'outcome-projection')
  const rowsWhere = (keep: (fold: number) => boolean) =>
    Int32Array.from([...foldOf.keys()].filter((row) => keep(foldOf[row]!)))
  const folds = Array.from({ length: FOLDS }, (_, fold) => ({
    own: rowsWhere((other) => other === fold),
    others: rowsWhere((other) => other !== fold),
  }))
  return folds.every(({ own, others }) => own.length > 0 && others.length > 0) ? folds : undefined
}

function fitTexts(prompts: readonly string[]): TfIdf {
  const widest = fitTfIdf(prompts, BUCKETS_MAX)
  const words = new Set(widest.rows.flatMap(({ indexes }) => [...indexes])).size
  const buckets = Math.min(BUCKETS_MAX, 2 ** Math.ceil(Math.log2(BUCKETS_PER_WORD * Math.max(words, 1))))
  return buckets === BUCKETS_MAX ? widest : fitTfIdf(prompts, buckets)
}

/**
 * rows × arms: what the class means of `known` do not tell, less what is common to the arms of a row. How hard a prompt is varies more than
 * which arm it suits, and would take the penalty and the first directions for itself.
 */
function residualsOf(table: OutcomeTable, known: OutcomeTable): Matrix {
  const armCount = table.arms.length
  const means = shrunkClassMeans(known, known.quality)
  const cells = table.quality.map((quality, cell) => {
    const label = table.classOf[Math.floor(cell / armCount)]!
    return quality - means[label * armCount + (cell % armCount)]!
  })
  const residuals = Matrix.from1DArray(table.rowCount, armCount, cells)
  return residuals.subColumnVector(residuals.mean('row'))
}

function foretold({ mean, coefficients, intercepts }: SparseRidge, rows: readonly SparseRow[]): Matrix {
  return centredProduct(rows, mean, coefficients).addRowVector([...intercepts])
}

/** Of predictions, rows × arms: arms × components, by falling spread, and the root mean square along them. */
function mainDirections(predictions: Matrix): { readonly basis: Matrix; readonly rms: number } | undefined {
  const centred = predictions.clone().subRowVector(predictions.mean('column'))
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(
    centred.transpose().mmul(centred),
    { assumeSymmetric: true },
  )
  const total = realEigenvalues.reduce((sum, value) => sum + Math.max(value, 0), 0)
  const kept = realEigenvalues
    .map((value, column) => ({ value, column }))
    .filter(({ value }) => value > LEAST_SHARE * total)
    .sort((one, other) => other.value - one.value)
    .slice(0, COMPONENTS_MAX)
  if (kept.length === 0) return undefined
  const power = kept.reduce((sum, { value }) => sum + value, 0) / predictions.rows
  return {
    basis: eigenvectorMatrix.subMatrixColumn(kept.map(({ column }) => column)),
    rms: Math.sqrt(power / kept.length),
  }
}

function pick<T>(items: readonly T[], which: Int32Array): T[] {
  return Array.from(which, (index) => items[index]!)
}
