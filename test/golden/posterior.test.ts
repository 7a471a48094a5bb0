/** Posteriors, their samples, and how sums merge and fade. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  choleskyFactor,
  choleskyUpdate,
  invertPositiveDefinite,
  logDeterminant,
} from '../../engine/cholesky.ts'
import {
  createLinearBandit,
  drawCoefficients,
  drawWithCovariance,
  drawWithPrecision,
  linearPosterior,
  meanOutcome,
  nextOutcome,
} from '../../engine/index.ts'
import { addOuter, dot, multiply, nonZeros, packedLength, shrinkInverse } from '../../engine/linalg.ts'
import { LinearHead, type LinearSums } from '../../engine/linear-head.ts'
import { studentQuantile } from '../../eval/index.ts'
import { gaussian, seeded } from '../helpers/engine.ts'
import { assertNumbers, golden, lowerRows, symmetricRows, type Tolerance } from '../helpers/golden.ts'
import { needsShared } from '../helpers/shared.ts'

type Rows = number[][]
const vector = (values: readonly number[] | undefined) => Float64Array.from(values ?? [])
const dense = (dimension: number) => Int32Array.from({ length: dimension }, (_, i) => i)

/**
 * The Student quantiles behind the file's intervals come from a root search that is good to 5e-9 only: for 4 degrees of
 * freedom it has 2.13184678134 where the closed form, and ours, is 2.13184678633.
 */
const QUANTILE_TOLERANCE = { rel: 1e-8, abs: 1e-8 }

interface Interval {
  readonly quantile_0_95_mean: number
  readonly interval95_predictive: readonly number[]
}

/** What rests on a quantile, and the rest. */
function parts<T extends Interval>(intervals: readonly T[]) {
  return {
    tight: intervals.map(({ quantile_0_95_mean: _, interval95_predictive: __, ...rest }) => rest),
    byQuantile: intervals.map(({ quantile_0_95_mean, interval95_predictive }) => ({
      quantile_0_95_mean,
      interval95_predictive,
    })),
  }
}

suite('golden posteriors', needsShared('golden', 'bandit'), () => {
  test('lints.json: posterior, samples for given normals, and the propensity of each arm', () => {
    const { groups, tolerance } = golden<{
      tolerance: Tolerance & { prob_best_abs: number }
      groups: {
        args: { lambda_: number; v: number; n_arms: number; dim: number }
        input: {
          contexts: Rows
          arms: number[]
          rewards: number[]
          probe_contexts: Rows
          standard_normals: Rows
        }
        expected: {
          probes: { prob_best: number[]; sampled_choice: number; [numbers: string]: unknown }[]
          [numbers: string]: unknown
        }
      }[]
    }>('lints.json')
    for (const { args, input, expected } of groups) {
      const { dim, v } = args
      const arms = Array.from({ length: args.n_arms }, (_, k) => k)
      const bandit = createLinearBandit({
        arms: arms.map(String),
        dimension: dim,
        policy: { name: 'thompson', exploration: v },
        prior: { precision: args.lambda_, noise: { kind: 'known', sd: 1 } },
      })
      for (const [i, arm] of input.arms.entries()) {
        bandit.learn(arm, vector(input.contexts[i]), input.rewards[i] as number)
      }
      const posteriors = arms.map((k) => bandit.posterior(k))
      const covariances = posteriors.map(({ precision }) =>
        (invertPositiveDefinite(precision, dim) as Float64Array).map((value) => v * v * value),
      )
      const normals = input.standard_normals.map(vector)
      const samples = posteriors.map(({ mean, factor }, k) =>
        drawWithPrecision(mean, factor, v, normals[k] as Float64Array),
      )
      const { probes, ...numbers } = expected
      const found = {
        mu: posteriors.map(({ mean }) => mean),
        cholesky_of_A_lower: posteriors.map(({ factor }) => lowerRows(factor, dim)),
        cov: covariances.map((covariance) => symmetricRows(covariance, dim)),
        sample_from_precision_cholesky: samples,
        sample_from_covariance_cholesky: posteriors.map(({ mean }, k) => {
          const factor = choleskyFactor(covariances[k] as Float64Array, dim) as Float64Array
          return drawWithCovariance(mean, factor, normals[k] as Float64Array)
        }),
      }
      assert.ok(assertNumbers(found, numbers, tolerance, 'posterior') >= 50)
      for (const [i, { prob_best, sampled_choice, ...probe }] of probes.entries()) {
        const x = vector(input.probe_contexts[i])
        const beliefs = bandit.beliefs(x)
        const { probabilities } = bandit.decide(x, 'any')
        const scores = samples.map((sample) =>
          sample.reduce((sum, value, j) => sum + value * (x[j] as number), 0),
        )
        const seen = {
          mean: beliefs.map(({ mean }) => mean),
          sd: beliefs.map(({ sd }) => v * sd),
          sampled_score_precision_cholesky: scores,
          sum: probabilities.reduce((sum, p) => sum + p, 0),
        }
        assertNumbers(seen, probe, tolerance, `probe ${i}`)
        assert.equal(scores.indexOf(Math.max(...scores)), sampled_choice)
        assertNumbers(
          probabilities,
          prob_best,
          { rel: 0, abs: tolerance.prob_best_abs },
          `probe ${i} prob_best`,
        )
      }
    }
  })

  test('a Student quantile is that of the closed form for 4 degrees of freedom', () => {
    const q = Math.cos(Math.acos(Math.sqrt(0.19)) / 3) / Math.sqrt(0.19)
    assert.ok(Math.abs(studentQuantile(0.9, 4) - 2 * Math.sqrt(q - 1)) < 1e-13)
  })

  test('nig.json: posterior, evidence, intervals, samples, forgetting', () => {
    type Checkpoint = {
      after: number
      precision: Rows
      mean: number[]
      a: number
      b: number
      noise_variance_mean: number | null
      noise_variance_mode: number
      log_marginal_likelihood: number
      probes: (Interval & { loc: number; scale_mean: number })[]
      sample: {
        gamma_variate_shape_a_scale_1: number
        standard_normals: number[]
        sigma2: number
        theta: number[]
      }
    }
    const { groups, tolerance } = golden<{
      tolerance: Tolerance
      groups: {
        args: { precision0: Rows; mean0: number[]; a0: number; b0: number }
        input: { x: Rows; y: number[]; probe_x: Rows }
        checkpoints: Checkpoint[]
        forgetting: { gamma: number; note: string; [numbers: string]: unknown }
      }[]
    }>('nig.json')
    for (const { args, input, checkpoints, forgetting } of groups) {
      const dimension = args.mean0.length
      const prior = {
        mean: vector(args.mean0),
        precision: vector(args.precision0.map((row, i) => row[i] as number)),
        shape: args.a0,
        rate: args.b0,
      }
      // Ours is diagonal; so are all of the file's.
      assertNumbers(
        args.precision0.map((row, i) => row.map((_, j) => (i === j ? prior.precision[i] : 0))),
        args.precision0,
        { rel: 0, abs: 0 },
      )
      const learn = (head: LinearHead, i: number) => {
        const x = vector(input.x[i])
        head.observe(x, nonZeros(x, dimension), input.y[i] as number, 1, i)
      }
      const sumsOf = (head: LinearHead, at: number): Readonly<LinearSums> =>
        head.sumsAt(at) ?? {
          asOfMs: 0,
          n: 0,
          c: 0,
          A: new Float64Array(packedLength(dimension)),
          b: new Float64Array(dimension),
        }
      const head = new LinearHead(prior, Number.POSITIVE_INFINITY)
      let seen = 0
      for (const { after, sample, probes, ...expected } of checkpoints) {
        for (; seen < after; seen++) learn(head, seen)
        const posterior = linearPosterior(sumsOf(head, after), prior)
        const { shape: a, rate: b } = posterior
        const found = {
          precision: symmetricRows(posterior.precision, dimension),
          mean: posterior.mean,
          a,
          b,
          noise_variance_mean: b / (a - 1),
          noise_variance_mode: b / (a + 1),
          log_marginal_likelihood: posterior.logEvidence,
        }
        assertNumbers(found, expected, tolerance, `after ${after}`)
        const intervals = input.probe_x.map((row) => {
          const x = vector(row)
          const [mean, next] = [meanOutcome(posterior, x), nextOutcome(posterior, x)]
          const reach = studentQuantile(0.95, next.degrees) * next.scale
          return {
            loc: mean.location,
            scale_mean: mean.scale,
            scale_predictive: next.scale,
            df: mean.degrees,
            quantile_0_95_mean: mean.location + studentQuantile(0.9, mean.degrees) * mean.scale,
            interval95_predictive: [next.location - reach, next.location + reach],
          }
        })
        const { tight, byQuantile } = parts(intervals)
        const expectedParts = parts(probes)
        assert.ok(assertNumbers(tight, expectedParts.tight, tolerance, `probes after ${after}`) >= 20)
        assertNumbers(byQuantile, expectedParts.byQuantile, QUANTILE_TOLERANCE, `quantiles after ${after}`)
        const { noiseVariance, coefficients } = drawCoefficients(
          posterior,
          vector(sample.standard_normals),
          sample.gamma_variate_shape_a_scale_1,
        )
        const { sigma2, theta } = sample
        assertNumbers({ sigma2: noiseVariance, theta: coefficients }, { sigma2, theta }, tolerance, 'sample')
        // The head follows the same posterior example by example; its sd is that of the Student t, not its scale.
        for (const [i, row] of after === 0 || a <= 1 ? [] : input.probe_x.entries()) {
          const x = vector(row)
          const belief = head.predict(x, nonZeros(x, dimension), after)
          const { loc, scale_mean } = probes[i] as (typeof probes)[number]
          const followed = { loc: belief.mean, scale_mean: belief.sd / Math.sqrt(a / (a - 1)) }
          assertNumbers(followed, { loc, scale_mean }, tolerance, `head after ${after}`)
        }
      }
      const { gamma, note: _, ...expected } = forgetting
      const fading = new LinearHead(prior, Math.log(0.5) / Math.log(gamma))
      for (let i = 0; i < input.y.length; i++) learn(fading, i)
      const sums = sumsOf(fading, input.y.length - 1)
      const { precision, mean, shape, rate } = linearPosterior(sums, prior)
      const found = {
        precision: symmetricRows(precision, dimension),
        mean,
        a: shape,
        b: rate,
        effective_n: sums.n,
      }
      assertNumbers(found, expected, tolerance, 'forgetting')
    }
  })

  test('merge-decay.json: sums of each replica, brought to one time, are the sums of all', () => {
    type Sums = { n: number; A: Rows; b: number[]; yy: number; theta?: number[]; last_event?: number }
    const file = golden<{
      tolerance: Tolerance
      groups: {
        args: { lambda_: number; half_life_seconds: number; now: number; dim: number; replicas: number }
        input: { x: Rows; y: number[]; replica: number[]; timestamp: number[] }
        expected: {
          replicas: { replica: number; rows: number; undecayed: Sums; decayed_as_of_last_event: Sums }[]
          merged_undecayed: Sums
          merged_decayed_at_now: Sums
        }
      }[]
    }>('merge-decay.json')
    for (const { args, input, expected } of file.groups) {
      const { dim } = args
      const prior = {
        mean: new Float64Array(dim),
        precision: new Float64Array(dim).fill(args.lambda_),
        shape: 2,
        rate: 1,
      }
      const described = (sums: Readonly<LinearSums> | undefined) => {
        assert.ok(sums !== undefined)
        return {
          n: sums.n,
          A: symmetricRows(sums.A, dim),
          b: sums.b,
          yy: sums.c,
          theta: linearPosterior(sums, prior).mean,
          last_event: sums.asOfMs / 1_000,
        }
      }
      for (const [halfLifeMs, ofReplica, merged, at] of [
        [Number.POSITIVE_INFINITY, 'undecayed', expected.merged_undecayed, 0],
        [
          args.half_life_seconds * 1_000,
          'decayed_as_of_last_event',
          expected.merged_decayed_at_now,
          args.now * 1_000,
        ],
      ] as const) {
        const heads = Array.from({ length: args.replicas }, () => new LinearHead(prior, halfLifeMs))
        for (const [i, row] of input.x.entries()) {
          const x = vector(row)
          const head = heads[input.replica[i] as number] as LinearHead
          head.observe(x, nonZeros(x, dim), input.y[i] as number, 1, (input.timestamp[i] as number) * 1_000)
        }
        for (const replica of expected.replicas) {
          const sums = heads[replica.replica]?.sums()
          assertNumbers(
            described(sums),
            replica[ofReplica],
            file.tolerance,
            `${replica.replica} ${ofReplica}`,
          )
          assert.equal(input.replica.filter((id) => id === replica.replica).length, replica.rows)
        }
        const all = new LinearHead(prior, halfLifeMs)
        for (const head of heads) {
          const sums = head.sums()
          if (sums !== undefined) all.absorb(sums)
        }
        assertNumbers(described(all.sumsAt(at)), merged, file.tolerance, 'merged')
      }
    }
  })

  test('rank-one.json: inverse and factor follow each vector, well and badly conditioned, and one taken back', () => {
    type State = { A_inverse: Rows; cholesky_lower: Rows }
    const { groups, tolerance } = golden<{
      tolerance: Tolerance
      groups: {
        args: { lambda_: number; dim: number }
        input: { x: Rows }
        checkpoints: (State & { after: number; log_det: number; sherman_morrison_max_abs_error: number })[]
        downdate_first_vector: State
      }[]
    }>('rank-one.json')
    for (const { args, input, checkpoints, downdate_first_vector } of groups) {
      const { dim } = args
      const diagonal = (value: number) => {
        const packed = new Float64Array(packedLength(dim))
        for (let i = 0; i < dim; i++) packed[(i * (i + 3)) / 2] = value
        return packed
      }
      const A = diagonal(args.lambda_)
      const inverse = diagonal(1 / args.lambda_)
      const factor = diagonal(Math.sqrt(args.lambda_))
      let logDet = dim * Math.log(args.lambda_)
      const gain = new Float64Array(dim)
      const add = (row: readonly number[] | undefined, weight: number): void => {
        const x = vector(row)
        addOuter(A, x, nonZeros(x, dim), weight)
        multiply(inverse, x, nonZeros(x, dim), gain)
        logDet += Math.log(shrinkInverse(inverse, gain, weight, dot(gain, x, nonZeros(x, dim))))
        assert.ok(choleskyUpdate(factor, x, weight))
      }
      /**
       * By following every vector, and by forming it from the sum. At a condition of 3e8 the inverse is known only as far
       * as the file's two ways to it agree; after the first vector it is ours that has the exact digits.
       */
      const compare = (expected: State & { log_det?: number }, disagreement: number, at: string): void => {
        const fresh = choleskyFactor(A, dim) as Float64Array
        const { A_inverse, ...others } = expected
        const ways = {
          followed: { cholesky_lower: lowerRows(factor, dim), log_det: logDet },
          formed: { cholesky_lower: lowerRows(fresh, dim), log_det: logDeterminant(fresh, dim) },
        }
        for (const [way, found] of Object.entries(ways)) {
          assertNumbers(found, others, tolerance, `${way} ${at}`)
        }
        const asFarAsKnown = { rel: tolerance.rel, abs: tolerance.abs + 2 * disagreement }
        for (const found of [inverse, invertPositiveDefinite(A, dim) as Float64Array]) {
          assertNumbers(symmetricRows(found, dim), A_inverse, asFarAsKnown, `inverse ${at}`)
        }
      }
      let seen = 0
      for (const { after, sherman_morrison_max_abs_error, ...checkpoint } of checkpoints) {
        for (; seen < after; seen++) add(input.x[seen], 1)
        const { A_inverse, cholesky_lower, log_det } = checkpoint
        compare({ A_inverse, cholesky_lower, log_det }, sherman_morrison_max_abs_error, `after ${after}`)
      }
      add(input.x[0], -1)
      compare(downdate_first_vector, 0, 'taken back')
    }
  })

  test('rank-one.json: a hundred thousand steps drift no further than was measured', () => {
    const { sherman_morrison_drift } = golden<{
      sherman_morrison_drift: {
        dim: number
        updates: number
        gamma: number
        lambda_: number
        float64_rel_frobenius: number
      }[]
    }>('rank-one.json')
    const measured = sherman_morrison_drift.find(({ gamma }) => gamma === 1)
    assert.ok(measured)
    const { dim, updates } = measured
    const A = new Float64Array(packedLength(dim))
    for (let i = 0; i < dim; i++) A[(i * (i + 3)) / 2] = measured.lambda_
    const inverse = invertPositiveDefinite(A, dim) as Float64Array
    const gain = new Float64Array(dim)
    const uniform = seeded(7)
    const x = new Float64Array(dim)
    for (let n = 0; n < updates; n++) {
      for (let i = 0; i < dim; i++) x[i] = gaussian(uniform)
      addOuter(A, x, dense(dim), 1)
      multiply(inverse, x, dense(dim), gain)
      shrinkInverse(inverse, gain, 1, dot(gain, x, dense(dim)))
    }
    const formed = invertPositiveDefinite(A, dim) as Float64Array
    let [difference, size] = [0, 0]
    for (const [i, value] of formed.entries()) {
      difference += ((inverse[i] as number) - value) ** 2
      size += value ** 2
    }
    // Other vectors than those of the measurement: the same order of magnitude.
    assert.ok(Math.sqrt(difference / size) < 10 * measured.float64_rel_frobenius)
  })
})
