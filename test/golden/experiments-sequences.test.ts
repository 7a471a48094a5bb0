/** Uniform boundaries and confidence sequences of bounded values: the numbers of confseq. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  bernoulliInterval,
  betaBinomialMixture,
  bettingCapital,
  bettingSequence,
  conjugateBernsteinLower,
  conjugateBernsteinSequence,
  conjugateHoeffdingSequence,
  doubleStitching,
  empiricalBernsteinSequence,
  empiricalProcessBound,
  gammaExponentialMixture,
  gammaPoissonMixture,
  hoeffdingSequence,
  type Mixture,
  normalMixture,
  polynomialStitching,
  runningIntersection,
  type Sequence,
  twoSidedNormalMixture,
} from '../../eval/index.ts'
import { assertNumbers, golden, type Tolerance } from '../helpers/golden.ts'
import { needsShared } from '../helpers/shared.ts'

interface Arguments {
  readonly [name: string]: number | boolean | undefined
  readonly s: number
  readonly v: number
  readonly alpha: number
  readonly v_opt: number
  readonly alpha_opt?: number
  readonly c: number
  readonly g: number
  readonly h: number
  readonly is_one_sided?: boolean
  readonly v_min: number
  readonly eta?: number
  readonly t: number
  readonly t_opt: number
  readonly t_min: number
  readonly A: number
  readonly quantile_p: number
  readonly num_successes: number
  readonly num_trials: number
}
interface Row {
  readonly fn: string
  readonly args: Arguments
  readonly expected: number | readonly [number, number]
}

const MIXTURES: Readonly<Record<string, (args: Arguments) => Mixture>> = {
  normal: (a) => (a.is_one_sided === false ? twoSidedNormalMixture : normalMixture)(a.v_opt, a.alpha_opt),
  gamma_exponential: (a) => gammaExponentialMixture(a.v_opt, a.c, a.alpha_opt),
  gamma_poisson: (a) => gammaPoissonMixture(a.v_opt, a.c, a.alpha_opt),
  beta_binomial: (a) => betaBinomialMixture(a.v_opt, a.g, a.h, a.alpha_opt, a.is_one_sided),
}

function compute({ fn, args }: Row): number | readonly [number, number] {
  if (fn.endsWith('_log_mixture'))
    return MIXTURES[fn.replace('_log_mixture', '')]!(args).logValue(args.s, args.v)
  if (fn.endsWith('_mixture_bound'))
    return MIXTURES[fn.replace('_mixture_bound', '')]!(args).bound(args.v, args.alpha)
  if (fn === 'poly_stitching_bound') return polynomialStitching(args.v, args.alpha, args.v_min, args.c)
  if (fn === 'double_stitching_bound') return doubleStitching(args.quantile_p, args.t, args.alpha, args.t_opt)
  if (fn === 'empirical_process_lil_bound')
    return empiricalProcessBound(args.t, args.alpha, args.t_min, args.A)
  const interval = bernoulliInterval(
    args.num_successes,
    args.num_trials,
    args.alpha,
    args.t_opt,
    args.alpha_opt,
  )
  return [interval.lo, interval.hi]
}

suite('uniform boundaries', needsShared('golden', 'experiments'), () => {
  const {
    rows,
    tolerance,
    published_in_confseq_unit_tests: published,
  } = golden<{
    readonly tolerance: { readonly rel: number }
    readonly rows: readonly Row[]
    readonly published_in_confseq_unit_tests: readonly (Row & { readonly tolerance: number })[]
  }>('confseq-boundaries.json', 'experiments')

  for (const fn of new Set(rows.map((row) => row.fn))) {
    test(fn, () => {
      for (const row of rows.filter((candidate) => candidate.fn === fn)) {
        const close = { rel: tolerance.rel, abs: 1e-9 }
        assertNumbers(compute(row), row.expected, close, JSON.stringify(row.args))
      }
    })
  }

  test('the values of confseq’s own unit tests', () => {
    for (const row of published) {
      assertNumbers(compute(row), row.expected, { rel: 0, abs: row.tolerance }, row.fn)
    }
  })
})

suite('confidence sequences of bounded values', needsShared('golden', 'experiments'), () => {
  interface Output {
    readonly name: string
    readonly checkpoints: readonly number[]
    readonly lower: readonly number[]
    readonly upper: readonly number[]
    readonly by_m?: Readonly<Record<string, readonly number[]>>
    readonly tolerance?: Partial<Tolerance>
  }
  const { groups, tolerance } = golden<{
    readonly tolerance: Tolerance
    readonly groups: readonly {
      readonly input: { readonly x: number[] }
      readonly outputs: readonly Output[]
    }[]
  }>('confseq-sequences.json', 'experiments')

  const SEQUENCES: Readonly<Record<string, (x: Float64Array, alpha: number) => Sequence>> = {
    predmix_hoeffding_cs: hoeffdingSequence,
    predmix_empbern_twosided_cs: empiricalBernsteinSequence,
    predmix_empbern_twosided_cs_running: (x, alpha) =>
      runningIntersection(empiricalBernsteinSequence(x, alpha)),
    conjmix_hoeffding_twosided_cs: (x, alpha) => conjugateHoeffdingSequence(x, alpha, 100),
    // The reference halves alpha twice, so that each side runs at alpha/4: ours at half of alpha is the same.
    conjmix_empbern_twosided_cs: (x, alpha) => conjugateBernsteinSequence(x, alpha / 2, 25),
    betting_cs: bettingSequence,
  }

  groups.forEach(({ input, outputs }, index) => {
    const x = Float64Array.from(input.x)
    for (const output of outputs) {
      test(`${output.name}, data ${index}`, () => {
        const at = (values: Float64Array) => output.checkpoints.map((t) => values[t - 1]!)
        const close = { ...tolerance, ...output.tolerance }
        if (output.by_m !== undefined) {
          for (const [m, expected] of Object.entries(output.by_m)) {
            assertNumbers(at(bettingCapital(x, Number(m), 0.05)), expected, close, m)
          }
          return
        }
        const [name, alpha] = output.name.split('/')
        const { lo, hi } = SEQUENCES[name!]!(x, Number(alpha))
        assertNumbers(at(lo), output.lower, close, 'lower')
        assertNumbers(at(hi), output.upper, close, 'upper')
      })
    }
  })

  test('our empirical Bernstein sequence spends alpha/2 a side, and is the narrower for it', () => {
    const x = Float64Array.from(groups[1]!.input.x)
    const { lo, hi } = conjugateBernsteinSequence(x, 0.05, 25)
    assert.deepEqual(lo, conjugateBernsteinLower(x, 0.025, 25))
    const theirs = conjugateBernsteinSequence(x, 0.025, 25)
    assert.ok(hi.at(-1)! - lo.at(-1)! < theirs.hi.at(-1)! - theirs.lo.at(-1)!)
  })
})
