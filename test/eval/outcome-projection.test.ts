/** Text that is told what came of it: what it finds, and that no row is described by its own outcome. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Matrix, solve } from 'ml-matrix'
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { createWordBlock, fitSparseRidge, fitTfIdf } from '../../engine/index.ts'
import { fitOutcomeProjection } from '../../eval/outcome-projection.ts'
import { type OutcomeTable, selectOutcomes } from '../../eval/outcome-table.ts'
import { randomStream } from '../../eval/random.ts'
import { outcome, row } from './worlds.ts'

const WORDS = 'river stone cloud ember maple harbor violin copper meadow lantern orchid granite'.split(' ')
const ROWS = 800

/** One class; `quality` of the two arms is told the words of the prompt. */
function tableOf(
  quality: (words: readonly string[]) => readonly [number, number],
  rows = ROWS,
): OutcomeTable {
  const random = randomStream('outcome-projection', 1)
  const items = Array.from({ length: rows }, (_, index) => {
    const words = WORDS.filter(() => uniformFloat64(random) < 0.4)
    const [first, second] = quality(words)
    const outcomes = { first: outcome(first, 0.001), second: outcome(second, 0.002) }
    return row(`p${index}`, outcomes, { prompt: [ownWord(index), ...words].join(' ') })
  })
  return selectOutcomes(items, { split: 'all' }).evaluation
}

/** Digits are all alike to the words of a text, letters are not. */
function ownWord(index: number): string {
  return [...`${index}`].map((digit) => 'bcdfghjklm'[Number(digit)]!).join('')
}

function correlation(one: readonly number[], other: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [a, b] = [one, other].map((values) => values.map((value) => value - mean(values)))
  const product = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + value * y[i]!, 0)
  return product(a!, b!) / Math.sqrt(product(a!, a!) * product(b!, b!))
}

const differences = (table: OutcomeTable) =>
  Array.from({ length: table.rowCount }, (_, row) => table.quality[2 * row]! - table.quality[2 * row + 1]!)

suite('a projection that is told outcomes', () => {
  test('finds the words that tell the arms apart, not those that make a prompt hard for all', () => {
    // Of 'river' the first arm is right, of all others the second; 'cloud' is hard for both.
    const table = tableOf((words) => {
      const easy = words.includes('cloud') ? 0.5 : 1
      return words.includes('river') ? [easy, 0] : [0, easy]
    })
    const { projection } = fitOutcomeProjection(table)!
    assert.equal(projection.components, 1)
    const { describe } = createWordBlock(projection)
    const river = describe('river stone harbor')[0]! - describe('maple stone harbor')[0]!
    const cloud = describe('cloud stone harbor')[0]! - describe('maple stone harbor')[0]!
    assert.ok(Math.abs(river) > 0.5, `river ${river}`)
    assert.ok(Math.abs(cloud) < Math.abs(river) / 4, `cloud ${cloud}, river ${river}`)
  })

  test('describes no row by its own outcome: where words tell nothing, coordinates tell nothing', () => {
    const random = randomStream('noise', 2)
    const table = tableOf(() => [uniformFloat64(random) < 0.5 ? 1 : 0, uniformFloat64(random) < 0.5 ? 1 : 0])
    const { projection, crossFitted } = fitOutcomeProjection(table)!
    const observed = differences(table)
    // Five standard errors of a correlation of independent things.
    const bound = 5 / Math.sqrt(ROWS)
    const honest = correlation(
      crossFitted.map((coordinates) => coordinates[0]!),
      observed,
    )
    assert.ok(Math.abs(honest) < bound, `cross-fitted ${honest}`)
    // Each prompt has a word of its own: told its own outcome it would know it by heart.
    const { describe } = createWordBlock(projection)
    const own = correlation(
      table.prompts.map((prompt) => describe(prompt)[0]!),
      observed,
    )
    assert.ok(Math.abs(own) > 2 * bound, `own ${own}`)
  })

  test('the same rows give the same projection, and too few rows none', () => {
    const quality = (words: readonly string[]): [number, number] =>
      words.includes('river') ? [1, 0] : [0, 1]
    assert.deepEqual(fitOutcomeProjection(tableOf(quality, 100)), fitOutcomeProjection(tableOf(quality, 100)))
    assert.equal(fitOutcomeProjection(tableOf(quality, 2)), undefined)
    assert.equal(fitOutcomeProjection(tableOf(() => [1, 1])), undefined)
  })
})

suite('ridge regression on sparse rows', () => {
  test('solves the normal equations of the centred rows', () => {
    const random = randomStream('ridge', 3)
    const { rows, buckets } = fitTfIdf(
      Array.from({ length: 60 }, () => WORDS.filter(() => uniformFloat64(random) < 0.5).join(' ')),
      32,
    )
    const targets = new Matrix(rows.map(() => [uniformFloat64(random), uniformFloat64(random) - 5]))
    const penalty = 0.7
    const fit = fitSparseRidge(rows, buckets, targets, penalty)
    const dense = Matrix.zeros(rows.length, buckets)
    for (const [r, { indexes, values }] of rows.entries()) {
      for (const [p, column] of indexes.entries()) dense.set(r, column, values[p]!)
    }
    dense.subRowVector(dense.mean('column'))
    const centred = targets.clone().subRowVector(targets.mean('column'))
    const exact = solve(
      dense
        .transpose()
        .mmul(dense)
        .add(Matrix.eye(buckets, buckets, penalty)),
      dense.transpose().mmul(centred),
    )
    // Conjugate gradients stop when 1e-5 of the right side is left; the penalty bounds what that is worth in coefficients.
    const off = Matrix.sub(fit.coefficients, exact).norm() / exact.norm()
    assert.ok(off < 1e-4, `off by ${off}`)
    assert.deepEqual([...fit.intercepts], targets.mean('column'))
  })
})
