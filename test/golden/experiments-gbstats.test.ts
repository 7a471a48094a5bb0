/** The two-variant tests against gbstats, whose inputs are sums as ours are. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Moments } from '../../eval/experiments/index.ts'
import {
  alwaysValidTest,
  asymptoticRho,
  beliefOf,
  type Effect,
  effectOf,
  type Scale,
  type Side,
  welchTest,
} from '../../eval/index.ts'
import { assertNumbers, golden } from '../helpers/golden.ts'
import { needsShared } from '../helpers/shared.ts'

interface Sums {
  readonly n: number
  readonly sum: number
  readonly sum_squares: number
}
type Statistic =
  | ({ readonly type: 'mean' | 'proportion' } & Sums)
  | {
      readonly type: 'ratio'
      readonly n: number
      readonly m: Sums
      readonly d: Sums
      readonly m_d_sum_of_products: number
    }
  | {
      readonly type: 'cuped'
      readonly n: number
      readonly post: Sums
      readonly pre: Sums
      readonly post_pre_sum_of_products: number
    }
type Bound = number | 'Infinity' | '-Infinity'
interface Result {
  readonly test: string
  readonly difference_type: Scale
  readonly alpha: number
  readonly dof?: number
  readonly rho?: number
  readonly sequential_tuning_parameter?: number
  readonly inverse?: boolean
  readonly prior?: { readonly mean: number; readonly variance: number } | null
  readonly expected: {
    readonly expected: number
    readonly ci: readonly [Bound, Bound]
    readonly uplift_stddev: number
    readonly error: string | null
    readonly pValue?: number
    readonly chanceToWin?: number
    readonly risk?: readonly [number, number]
  }
}
interface Golden {
  readonly tolerance: { readonly rel: number; readonly abs: number }
  readonly cases: readonly {
    readonly name: string
    readonly stat_a: Statistic
    readonly stat_b: Statistic
    readonly moments: Partial<Record<'a' | 'b', { readonly mean: number; readonly variance: number }>>
    readonly results: readonly Result[]
  }[]
  readonly published_in_gbstats_tests: { readonly rows: readonly PublishedRow[] }
}
interface PublishedRow {
  readonly case: string
  readonly test: string
  readonly difference_type: Scale
  readonly alpha?: number
  readonly sequential_tuning_parameter?: number
  readonly prior?: { readonly mean: number; readonly variance: number } | null
  readonly expected: number
  readonly ci: readonly [number, number]
  readonly stddev: number
  readonly pValue?: number
  readonly chanceToWin?: number
  readonly risk?: readonly [number, number]
}

const ONE_SIDED: Readonly<Record<string, Side>> = {
  OneSidedTreatmentGreaterTTest: 'greater',
  OneSidedTreatmentLesserTTest: 'lesser',
  SequentialOneSidedTreatmentGreaterTTest: 'greater',
}
/** Between these gbstats' root search for a one-sided sequential p-value looks; what is beyond it reports as the end. */
const SEARCHED = [1e-5, 0.4999] as const

function momentsOf(statistic: Statistic): Moments {
  if (statistic.type === 'ratio') {
    const { n, m, d, m_d_sum_of_products: products } = statistic
    const denominator = { sum: d.sum, sumSquares: d.sum_squares, products }
    return { n, sum: m.sum, sumSquares: m.sum_squares, denominator }
  }
  if (statistic.type === 'cuped') {
    const { n, post, pre, post_pre_sum_of_products: products } = statistic
    const covariate = { sum: pre.sum, sumSquares: pre.sum_squares, products }
    return { n, sum: post.sum, sumSquares: post.sum_squares, covariate }
  }
  const { n, sum } = statistic
  return statistic.type === 'proportion'
    ? { n, sum, sumSquares: sum, binary: true }
    : { n, sum, sumSquares: statistic.sum_squares }
}

function effectBetween(a: Statistic, b: Statistic, scale: Scale): Effect {
  const effect = effectOf(momentsOf(a), momentsOf(b), scale)
  assert.ok(typeof effect === 'object', `no effect: ${JSON.stringify(effect)}`)
  return effect
}

const number = (bound: Bound) => Number(bound)

suite('gbstats', needsShared('golden', 'experiments'), () => {
  const {
    cases,
    tolerance,
    published_in_gbstats_tests: published,
  } = golden<Golden>('gbstats.json', 'experiments')
  for (const { name, stat_a, stat_b, results } of cases) {
    test(name, () => {
      for (const result of results) check(effectBetween(stat_a, stat_b, result.difference_type), result)
    })
  }

  function check(effect: Effect, result: Result) {
    const { expected, alpha, dof, rho, sequential_tuning_parameter: tuning } = result
    const at = `${result.test} ${result.difference_type} ${alpha}`
    const side = ONE_SIDED[result.test] ?? 'two-sided'
    const ci = expected.ci.map(number) as [number, number]
    if (result.test === 'EffectBayesianABTest') return checkBelief(effect, result, ci, at)
    assertNumbers(effect.estimate, expected.expected, tolerance, at)
    assertNumbers(effect.se, expected.uplift_stddev, tolerance, at)
    if (tuning === undefined) {
      const { pValue, lo, hi } = welchTest(effect, alpha, side)
      assertNumbers({ lo, hi, degrees: effect.degrees }, bounds(ci, { degrees: dof }), tolerance, at)
      assertNumbers(pValue, expected.pValue, { rel: 1e-9, abs: 1e-9 }, `${at} p`)
      return
    }
    const { pValue, lo, hi } = alwaysValidTest(effect, alpha, side, tuning)
    assertNumbers(asymptoticRho(side === 'two-sided' ? alpha : 2 * alpha, tuning), rho, tolerance, at)
    assertNumbers({ lo, hi }, bounds(ci, {}), tolerance, at)
    if (side === 'two-sided') {
      assertNumbers(pValue, expected.pValue, tolerance, `${at} p`)
    } else if (pValue > SEARCHED[0] && pValue < SEARCHED[1]) {
      // The p-value is where the bound meets 0. Ours does; the reference's root search ends up to 0.5 % of a standard error
      // away from it, which on a flat stretch is more than the 1e-4 it is stated to be good for.
      const information = effect.n * rho! * rho!
      const widthAt = (p: number) =>
        effect.se *
        Math.sqrt((2 * (information + 1) * Math.log1p(Math.sqrt(information + 1) / (2 * p))) / information)
      const boundAt = (p: number) => effect.estimate - widthAt(p)
      assertNumbers(boundAt(pValue), 0, { rel: 0, abs: 1e-9 * effect.se }, `${at} bound`)
      const isNear = Math.abs(pValue - expected.pValue!) <= 1e-4
      assert.ok(isNear || Math.abs(boundAt(expected.pValue!)) <= 0.005 * effect.se, `${at} p ${pValue}`)
    } else {
      assertNumbers(
        Math.min(Math.max(pValue, SEARCHED[0]), SEARCHED[1]),
        expected.pValue,
        { rel: 0, abs: 1e-4 },
        `${at} p`,
      )
    }
  }

  function checkBelief(
    effect: Effect,
    { expected, alpha, prior, inverse }: Result,
    ci: [number, number],
    at: string,
  ) {
    const given =
      prior === null || prior === undefined ? undefined : ({ ...prior, scale: 'relative' } as const)
    const belief = beliefOf(effect, alpha, given, inverse)
    const [ofControl, ofTreatment] = expected.risk!
    assertNumbers(
      belief,
      {
        ...bounds(ci, {}),
        mean: expected.expected,
        sd: expected.uplift_stddev,
        chanceToWin: expected.chanceToWin,
        // The risk of each choice: of keeping the control first, as gbstats has it.
        expectedLossOfControl: ofControl,
        expectedLossOfTreatment: ofTreatment,
      },
      tolerance,
      at,
    )
  }

  test('the values that gbstats’ own tests print', () => {
    const rounded = { rel: 0, abs: 1e-5 }
    for (const row of published.rows) {
      const { stat_a, stat_b } = cases.find(({ name }) => name.endsWith(row.case))!
      const effect = effectBetween(stat_a, stat_b, row.difference_type)
      const alpha = row.alpha ?? 0.05
      if (row.test === 'EffectBayesianABTest') {
        const given =
          row.prior === null || row.prior === undefined
            ? undefined
            : { ...row.prior, scale: 'relative' as const }
        const belief = beliefOf(effect, alpha, given)
        assertNumbers(
          [belief.mean, belief.lo, belief.hi, belief.sd],
          [row.expected, ...row.ci, row.stddev],
          rounded,
        )
        assertNumbers(
          [belief.chanceToWin, belief.expectedLossOfControl, belief.expectedLossOfTreatment],
          [row.chanceToWin!, ...row.risk!],
          rounded,
        )
        continue
      }
      const tuning = row.sequential_tuning_parameter
      const { pValue, lo, hi } =
        tuning === undefined ? welchTest(effect, alpha) : alwaysValidTest(effect, alpha, 'two-sided', tuning)
      assertNumbers(
        [effect.estimate, effect.se, lo, hi, pValue],
        [row.expected, row.stddev, ...row.ci, row.pValue!],
        rounded,
        row.case,
      )
    }
  })

  test('a prior on the absolute scale is rescaled for a relative effect, which gbstats forgets', () => {
    const { stat_a, stat_b } = cases[0]!
    const relative = effectBetween(stat_a, stat_b, 'relative')
    const base = Math.abs(relative.baseline)
    const prior = { mean: 0.04, variance: 0.01, scale: 'absolute' as const }
    const same = { mean: 0.04 / base, variance: 0.01 / base ** 2, scale: 'relative' as const }
    assert.deepEqual(beliefOf(relative, 0.05, prior), beliefOf(relative, 0.05, same))
  })
})

function bounds([lo, hi]: [number, number], more: Readonly<Record<string, number | undefined>>) {
  const known = Object.entries(more).filter(([, value]) => value !== undefined)
  const finite = Object.entries({ lo, hi }).filter(([, value]) => Number.isFinite(value))
  return Object.fromEntries([...finite, ...known])
}
