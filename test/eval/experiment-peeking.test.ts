import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { powerAt } from '../../eval/index.ts'
import { adaptiveStudy } from '../helpers/adaptive-study.ts'
import {
  differenceError,
  peekingStudy,
  plannedUnits,
  rateError,
  SIMULATED_METRICS,
} from '../helpers/peeking-study.ts'

const EXPERIMENTS = 400
const ALPHA = 0.05
const BASE = { experiments: EXPERIMENTS, every: 50, alpha: ALPHA, seed: 3 }
/** Four standard errors of a rate. */
const noise = (rate: number) => 4 * rateError(rate, EXPERIMENTS)

suite('peeking', () => {
  for (const metric of SIMULATED_METRICS) {
    test(`nothing to find: ${metric.name}`, () => {
      const found = peekingStudy({ ...BASE, metric, units: 2_000, shift: 0 })
      const rate = (count: number) => count / EXPERIMENTS
      assert.ok(rate(found.alwaysValid) <= ALPHA, `always-valid test, peeking: ${rate(found.alwaysValid)}`)
      assert.ok(rate(found.harm) <= ALPHA, `one-sided always-valid test, peeking: ${rate(found.harm)}`)
      assert.ok(rate(found.msprt) <= ALPHA + noise(ALPHA), `mSPRT, peeking: ${rate(found.msprt)}`)
      assert.ok(Math.abs(rate(found.fixed) - ALPHA) <= noise(ALPHA), `fixed test, once: ${rate(found.fixed)}`)
      // Forty looks at a fixed test find something in a quarter of all cases and more.
      assert.ok(rate(found.fixedPeeking) > 0.2, `fixed test, peeking: ${rate(found.fixedPeeking)}`)
      assert.ok(rate(found.mismatch) <= 0.001 + noise(0.001), `mismatch: ${rate(found.mismatch)}`)
    })
  }

  test('an effect is found as often as was computed beforehand', () => {
    const metric = SIMULATED_METRICS[0]!
    const units = plannedUnits(0.15, 0.8)
    const shift = 0.15 * Math.sqrt(metric.variance)
    const se = differenceError(metric, units, shift)
    const found = peekingStudy({ ...BASE, metric, units, shift })
    const fixed = powerAt(shift, se, units)
    const alwaysValid = powerAt(shift, se, units, { reading: 'always_valid', tunedFor: units })
    assert.ok(Math.abs(found.fixed / EXPERIMENTS - fixed) <= noise(fixed), `fixed ${found.fixed}, ${fixed}`)
    assert.ok(
      Math.abs(found.alwaysValidAtEnd / EXPERIMENTS - alwaysValid) <= noise(alwaysValid),
      `always valid ${found.alwaysValidAtEnd}, ${alwaysValid}`,
    )
    assert.ok(found.alwaysValid >= found.alwaysValidAtEnd)
    assert.equal(found.harm, 0)
  })

  test('adaptive weights among equals: plain means are biased, weighted ones are not, and peeking finds nothing', () => {
    const experiments = 1_000
    const found = adaptiveStudy({ experiments, units: 3_000, every: 50, alpha: ALPHA, seed: 5 })
    const rate = (count: number) => count / experiments
    assert.ok(rate(found.alwaysValid) <= ALPHA, `always valid, weighted: ${rate(found.alwaysValid)}`)
    const once = ALPHA + 4 * rateError(ALPHA, experiments)
    assert.ok(rate(found.weightedOnce) <= once, `fixed, weighted: ${rate(found.weightedOnce)}`)
    // A variant with half of 3,000 units has a standard error of 0.013; with the least share of a twentieth, 0.041.
    const [se, widest] = [0.013, 0.041].map((each) => each / Math.sqrt(experiments)) as [number, number]
    assert.ok(
      found.plainBias < -4 * se,
      `plain ${found.plainBias}: who starts badly gets no chance to recover`,
    )
    assert.ok(Math.abs(found.weightedBias) < 4 * widest, `weighted ${found.weightedBias}`)
    assert.ok(Math.abs(found.weightedBias) < Math.abs(found.plainBias) / 2)
  })
})
