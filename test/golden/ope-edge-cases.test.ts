/** The corners: no overlap, one row, huge weights, a weight on the threshold, bad propensities. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  clippedIps,
  dm,
  dr,
  drOs,
  type Estimate,
  EvaluationError,
  ips,
  Replay,
  RowMean,
  SelfNormalised,
  sndr,
  snips,
  switchDr,
} from '../../eval/index.ts'
import { assertNumbers, golden, type Tolerance } from '../helpers/golden.ts'
import { addAll, type LoggedRows, rowsOf } from '../helpers/golden-ope.ts'
import { needsShared } from '../helpers/shared.ts'

interface EdgeCases {
  readonly tolerance: Tolerance
  readonly cases: readonly {
    readonly name: string
    readonly input: LoggedRows
    readonly expected_obp: Readonly<Record<string, number | string | { error: string }>>
  }[]
}

function estimatesOf(input: LoggedRows): Readonly<Record<string, Estimate | undefined>> {
  const rows = rowsOf(input)
  const matches = rows.map(({ reward }, i) => ({
    matched: input.pi_e[i]![input.action[i]!] === 1,
    reward,
  }))
  return {
    replay: addAll(new Replay(), matches).get(),
    ips: addAll(new RowMean(ips), rows).get(),
    clipped_ips_5: addAll(new RowMean(clippedIps(5)), rows).get(),
    snips: addAll(new SelfNormalised(snips), rows).get(),
    dm: addAll(new RowMean(dm), rows).get(),
    dr: addAll(new RowMean(dr()), rows).get(),
    sndr: addAll(new SelfNormalised(sndr), rows).get(),
    switch_dr_5: addAll(new RowMean(switchDr(5)), rows).get(),
    dr_os_5: addAll(new RowMean(drOs(5)), rows).get(),
  }
}

const REFUSED = ['pi_e_not_normalised', 'zero_propensity', 'propensity_above_1']

suite('edge-cases.json', needsShared('golden', 'ope'), () => {
  const { cases, tolerance } = golden<EdgeCases>('edge-cases.json', 'ope')

  for (const { name, input, expected_obp } of cases) {
    if (REFUSED.includes(name)) {
      // The reference accepts a propensity above 1, and looks at none in replay and the direct method.
      test(`${name}: refused with its code`, () => {
        assert.throws(
          () => rowsOf(input),
          (error) => error instanceof EvaluationError && error.code === 'eval_bad_propensity',
        )
      })
      continue
    }
    test(`${name}: the reference’s numbers, and no estimate where it has none or a made-up 0`, () => {
      for (const [estimator, estimate] of Object.entries(estimatesOf(input))) {
        const expected = expected_obp[estimator]
        const matched = input.action.some((drawn, i) => input.pi_e[i]![drawn] === 1)
        if (expected === 'NaN' || (estimator === 'replay' && !matched)) {
          assert.equal(estimate, undefined, `${name}: ${estimator}`)
          continue
        }
        assertNumbers(estimate?.value, expected, tolerance, `${name}: ${estimator}`)
        const { lo, hi } = estimate as Estimate
        assert.ok(lo <= estimate!.value && estimate!.value <= hi, `${name}: ${estimator} in [${lo}, ${hi}]`)
      }
    })
  }

  test('one row has an estimate and no bounds', () => {
    const single = cases.find(({ name }) => name === 'single_row')!
    for (const [estimator, estimate] of Object.entries(estimatesOf(single.input))) {
      if (estimate === undefined) assert.equal(estimator, 'replay')
      else assert.deepEqual([estimate.lo, estimate.hi], [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])
    }
  })

  test('optimistic shrinkage with λ = 0 is the direct method for a weight of 0 too, where the reference has NaN', () => {
    const { input } = cases.find(({ name }) => name === 'no_overlap')!
    const rows = rowsOf(input)
    assert.ok(rows.some(({ weight }) => weight === 0))
    assert.deepEqual(
      addAll(new RowMean(drOs(0)), rows).get()?.value,
      addAll(new RowMean(dm), rows).get()?.value,
    )
  })
})
