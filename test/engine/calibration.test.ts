/** What is believed is as certain as it says: central 90 % intervals hold 85 to 95 % of what is seen on rows not learnt from. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  coverageOfMeans,
  coverageOfSingles,
  datasetExamples,
  latencyExamples,
} from '../helpers/calibration.ts'
import { needsShared } from '../helpers/shared.ts'

function assertCalibrated(covered: number, what: string): void {
  assert.ok(covered >= 0.85 && covered <= 0.95, `${what}: ${(100 * covered).toFixed(1)} % covered`)
}

suite('90 % intervals of held-out rows', needsShared('data'), () => {
  test('quality of an arm on a class, of right-or-wrong and of graded outcomes', async () => {
    for (const [set, classBy] of [
      ['mmlu-pro', 'category'],
      ['zeroeval', 'task'],
      ['routerbench-subset', 'task'],
      ['paretobandit', 'task'],
    ] as const) {
      // Five orders of the rows: cells of one order share their held-out rows, and a share of 36 of them has an sd of 0.05.
      let [n, covered] = [0, 0]
      for (let seed = 1; seed <= 5; seed++) {
        const of = coverageOfMeans(await datasetExamples(set, classBy, 'quality', seed), 'quality')
        n += of.n
        covered += of.n * of.covered
      }
      assertCalibrated(covered / n, `${set}, ${n} means`)
    }
  })

  test('length of an answer', async () => {
    for (const [set, classBy] of [
      ['mmlu-pro', 'category'],
      ['zeroeval', 'task'],
    ] as const) {
      const heldOut = await datasetExamples(set, classBy, 'output_tokens', 1)
      assertCalibrated(coverageOfSingles(heldOut, 'output_tokens').covered, set)
    }
  })

  test('time to first token and per token of hosted providers', () => {
    for (const head of ['ttft', 'tpot'] as const) {
      assertCalibrated(coverageOfSingles(latencyExamples(head), head).covered, head)
    }
  })
})
