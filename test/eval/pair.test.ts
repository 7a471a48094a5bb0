/** Figures of a strong and a weak model against what can be counted by hand, and against the published ones. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { openDataset, type PromptRow } from '../../datasets/index.ts'
import { pairOf, pairScores, pairStatistics, runBaselines, selectOutcomes } from '../../eval/index.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'
import { outcome, row } from './worlds.ts'

const near = (actual: number, expected: number, tolerance: number, what: string) =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${what}: ${actual}, expected ${expected} ± ${tolerance}`,
  )

function tableOf(rows: readonly PromptRow[]) {
  return selectOutcomes(rows, { split: 'all' }).evaluation
}

/** Ten prompts: on the first four only the strong model is right, on the last one only the weak, else both. */
const TEN = tableOf(
  Array.from({ length: 10 }, (_, i) =>
    row(`p${i}`, { strong: outcome(i === 9 ? 0 : 1, 2), weak: outcome(i < 4 ? 0 : 1, 1) }),
  ),
)

suite('strong and weak', () => {
  test('the pair is told by mean quality, and only of two arms', () => {
    assert.deepEqual(pairOf(TEN), { strong: 0, weak: 1 })
    const three = row('p', { a: outcome(1, 1), b: outcome(1, 1), c: outcome(1, 1) })
    assert.equal(pairOf(tableOf([three])), undefined)
  })

  test('counted by hand: the oracle sends the four that gain first, and the one that loses last', () => {
    const pair = pairOf(TEN)!
    const { apgr, cpt50, cpt80 } = pairStatistics(TEN, pair, pairScores(TEN.quality, pair))()
    // Gap 0.3; recovered 0.1, 0.2, 0.3, 0.4 × 6 from a share of 0.1 on, and 0.3 at 1; trapezoids over eleven shares.
    near(apgr, (0.1 + 0.2 + 0.3 + 0.4 * 6 + 0.3 / 2) / 10 / 0.3, 1e-12, 'APGR')
    near(cpt50, 0.15, 1e-12, 'CPT 50')
    near(cpt80, 0.24, 1e-12, 'CPT 80')
  })

  test('a router that knows nothing recovers half, in proportion', () => {
    const { apgr, cpt50, cpt80 } = pairStatistics(TEN, pairOf(TEN)!, new Float64Array(10))()
    near(apgr, 0.5, 1e-12, 'APGR')
    near(cpt50, 0.5, 1e-12, 'CPT 50')
    near(cpt80, 0.8, 1e-12, 'CPT 80')
  })

  test('a weight counts as so many copies of its row', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ q: fc.tuple(fc.nat(4), fc.nat(4)), score: fc.nat(3), copies: fc.nat(3) }), {
          minLength: 2,
          maxLength: 12,
        }),
        (rows) => {
          const copied = rows.flatMap((each) => Array.from({ length: each.copies }, () => each))
          fc.pre(copied.length > 0)
          const toTable = (of: typeof rows) =>
            tableOf(of.map(({ q }, i) => row(`p${i}`, { s: outcome(q[0] / 4, 2), w: outcome(q[1] / 4, 1) })))
          const scores = (of: typeof rows) => of.map(({ score }) => score)
          const pair = { strong: 0, weak: 1 }
          const factor = rows.length / copied.length
          const weights = Float64Array.from(rows, ({ copies }) => copies * factor)
          const weighted = pairStatistics(toTable(rows), pair, scores(rows))(weights)
          const plain = pairStatistics(toTable(copied), pair, scores(copied))()
          for (const name of ['apgr', 'cpt50', 'cpt80'] as const) {
            if (Number.isNaN(plain[name])) assert.ok(Number.isNaN(weighted[name]))
            else near(weighted[name], plain[name], 1e-9, name)
          }
        },
      ),
      { seed: 1 },
    )
  })

  // APGR, CPT 50 %, CPT 80 % as printed in the README of the set; category means are shrunk there by an unknown weight.
  const PUBLISHED = [
    ['mmlu', 'all', 'oracle', [1.278, 6.2, 9.9], 0.05],
    ['gsm8k', 'all', 'oracle', [1.107, 11.1, 17.7], 0.05],
    ['mmlu', 'test', 'categoryMean', [0.672, 28.2, 61.1], 2],
  ] as const
  for (const [task, split, name, [apgr, cpt50, cpt80], tolerance] of PUBLISHED) {
    test(`${name} on ${task}, ${split}`, needsShared('data', 'routellm'), async () => {
      const dataset = await openDataset(sharedPath('data', 'routellm'))
      const rows = []
      for await (const each of dataset.rows()) if (each.task === task) rows.push(each)
      const selection = selectOutcomes(rows, { split })
      const baselines = runBaselines({ selection, perUsd: 0, perUsdGrid: [0] }, Number.MAX_VALUE, [name])
      const { predictions } = baselines.find((baseline) => baseline.name === name)!
      const pair = pairOf(selection.evaluation)!
      const figures = pairStatistics(selection.evaluation, pair, pairScores(predictions!.quality, pair))()
      near(figures.apgr, apgr, tolerance === 0.05 ? 0.0006 : 0.004, 'APGR')
      near(100 * figures.cpt50, cpt50, tolerance, 'CPT 50')
      near(100 * figures.cpt80, cpt80, tolerance, 'CPT 80')
    })
  }
})
