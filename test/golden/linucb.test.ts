/** LinUCB and what it is made of: disjoint, hybrid, discounted, and replayed by rejection. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { invertPositiveDefinite, logDeterminant } from '../../engine/cholesky.ts'
import {
  createLinearBandit,
  DiscountedLinUcb,
  discountedConfidence,
  HybridLinUcb,
  type LinearBandit,
  leverage,
} from '../../engine/index.ts'
import { RejectionReplay } from '../../eval/index.ts'
import { assertNumbers, golden, symmetricRows, type Tolerance } from '../helpers/golden.ts'
import { needsShared } from '../helpers/shared.ts'

type Rows = number[][]
const vector = (values: readonly number[] | undefined) => Float64Array.from(values ?? [])
const indexes = (count: number) => Array.from({ length: count }, (_, k) => k)

/** Disjoint ridge regressions with widths in units of the noise. */
function linucb(arms: number, dimension: number, precision: number, alpha: number): LinearBandit {
  return createLinearBandit({
    arms: indexes(arms).map(String),
    dimension,
    policy: { name: 'linucb', alpha },
    prior: { precision, noise: { kind: 'known', sd: 1 } },
  })
}

interface Disjoint {
  readonly tolerance: Tolerance
  readonly groups: readonly {
    readonly args: { lambda_: number; alphas: number[]; n_arms: number; dim: number }
    readonly input: {
      contexts: Rows
      arms: number[]
      rewards: number[]
      full_rewards: Rows
      probe_contexts: Rows
    }
    readonly checkpoints: readonly {
      after: number
      probe_ucb: Record<string, Rows>
      probe_choice: Record<string, number[]>
      [numbers: string]: unknown
    }[]
    readonly online_runs: readonly {
      alpha: number
      choices: number[]
      total_reward: number
      theta: Rows
    }[]
  }[]
}

suite('LinUCB', needsShared('golden', 'bandit'), () => {
  test('linucb-disjoint.json: state, widths and choices after any number of examples', () => {
    const { groups, tolerance } = golden<Disjoint>('linucb-disjoint.json')
    for (const { args, input, checkpoints } of groups) {
      const { n_arms, dim, lambda_ } = args
      const bandits = args.alphas.map((alpha) => linucb(n_arms, dim, lambda_, alpha))
      const bandit = bandits[0] as LinearBandit
      const counts = new Array(n_arms).fill(0)
      const probes = input.probe_contexts.map(vector)
      let seen = 0
      for (const { after, probe_ucb, probe_choice, ...expected } of checkpoints) {
        for (; seen < after; seen++) {
          const arm = input.arms[seen] as number
          for (const each of bandits)
            each.learn(arm, vector(input.contexts[seen]), input.rewards[seen] as number)
          counts[arm]++
        }
        const posteriors = indexes(n_arms).map((k) => bandit.posterior(k))
        const inverse = (packed: Float64Array) => invertPositiveDefinite(packed, dim) as Float64Array
        const beliefs = probes.map((x) => bandit.beliefs(x))
        const b = indexes(n_arms).map(
          (k) => bandit.sums().find(({ arm }) => arm === String(k))?.b ?? new Float64Array(dim),
        )
        assertNumbers(
          {
            counts,
            theta: posteriors.map(({ mean }) => mean),
            log_det_A: posteriors.map(({ factor }) => logDeterminant(factor, dim)),
            A: posteriors.map(({ precision }) => symmetricRows(precision, dim)),
            b,
            A_inv: posteriors.map(({ precision }) => symmetricRows(inverse(precision), dim)),
            probe_mean: beliefs.map((arms) => arms.map(({ mean }) => mean)),
            probe_width: beliefs.map((arms) => arms.map(({ sd }) => sd)),
          },
          expected,
          tolerance,
          `after ${after}`,
        )
        for (const [i, alpha] of args.alphas.entries()) {
          const key = Number.isInteger(alpha) ? alpha.toFixed(1) : String(alpha)
          const ucb = beliefs.map((arms) => arms.map(({ mean, sd }) => mean + alpha * sd))
          assert.ok(assertNumbers(ucb, probe_ucb[key], tolerance, `ucb ${alpha}`) > 0)
          const choices = probes.map((x) => bandits[i]?.decide(x, 'any').index)
          assert.deepEqual(choices, probe_choice[key], `choices of ${alpha} after ${after}`)
        }
      }
    }
  })

  test('linucb-disjoint.json: the same choices when it learns from its own', () => {
    const { groups, tolerance } = golden<Disjoint>('linucb-disjoint.json')
    for (const { args, input, online_runs } of groups) {
      for (const { alpha, choices, total_reward, theta } of online_runs) {
        const bandit = linucb(args.n_arms, args.dim, args.lambda_, alpha)
        let total = 0
        const chosen = choices.map((_, round) => {
          const x = vector(input.contexts[round])
          const { index } = bandit.decide(x, String(round))
          const reward = input.full_rewards[round]?.[index] as number
          total += reward
          bandit.learn(index, x, reward)
          return index
        })
        assert.deepEqual(chosen, choices)
        const found = theta.map((_, k) => bandit.posterior(k).mean)
        assertNumbers({ total, theta: found }, { total: total_reward, theta }, tolerance, `run ${alpha}`)
      }
    }
  })

  test('replay-linucb.json: the same rows are accepted, with the same estimate', () => {
    const { groups, tolerance } = golden<{
      tolerance: Tolerance
      groups: {
        args: { lambda_: number; alpha: number }
        input: { contexts: Rows; logged_arms: number[]; rewards: number[] }
        expected: { accepted: number[]; accepted_count: number; estimate: number; theta: Rows }
      }[]
    }>('replay-linucb.json')
    for (const { args, input, expected } of groups) {
      const { theta } = expected
      const dimension = input.contexts[0]?.length as number
      const bandit = linucb(theta.length, dimension, args.lambda_, args.alpha)
      const replay = new RejectionReplay({ floor: 1 / theta.length, seed: 1 })
      const accepted = input.logged_arms.flatMap((logged, row) => {
        const x = vector(input.contexts[row])
        const offered = {
          id: String(row),
          matched: bandit.decide(x, String(row)).index === logged,
          propensity: 1 / theta.length,
          reward: input.rewards[row] as number,
        }
        if (!replay.offer(offered)) return []
        bandit.learn(logged, x, offered.reward)
        return [row]
      })
      assert.deepEqual(accepted, expected.accepted)
      assert.equal(replay.accepted, expected.accepted_count)
      assert.equal(replay.offered, input.logged_arms.length)
      const found = { estimate: replay.get()?.value, theta: theta.map((_, k) => bandit.posterior(k).mean) }
      assertNumbers(found, { estimate: expected.estimate, theta }, tolerance, 'replay')
    }
  })

  test('linucb-hybrid.json: shared and own coefficients, means, variances and bounds', () => {
    const { groups, tolerance } = golden<{
      tolerance: Tolerance
      groups: {
        args: { lambda_: number; alpha: number; n_arms: number; dim_x: number; dim_z: number }
        input: {
          x: Rows
          z_per_arm: Rows[]
          arms: number[]
          rewards: number[]
          probe_x: Rows
          probe_z_per_arm: Rows[]
        }
        checkpoints: { after: number; [numbers: string]: unknown }[]
      }[]
    }>('linucb-hybrid.json')
    for (const { args, input, checkpoints } of groups) {
      const learner = new HybridLinUcb({
        arms: args.n_arms,
        dimension: args.dim_x,
        sharedDimension: args.dim_z,
        precision: args.lambda_,
      })
      let seen = 0
      for (const { after, ...expected } of checkpoints) {
        for (; seen < after; seen++) {
          const arm = input.arms[seen] as number
          const z = vector(input.z_per_arm[seen]?.[arm])
          learner.learn(arm, vector(input.x[seen]), z, input.rewards[seen] as number)
        }
        const { A, b } = learner.sharedSums
        const found = {
          beta: learner.sharedCoefficients(),
          theta: indexes(args.n_arms).map((k) => learner.coefficients(k)),
          A0: symmetricRows(A, args.dim_z),
          b0: b,
          probe_mean_var_ucb: input.probe_x.map((x, probe) =>
            indexes(args.n_arms).map((k) => {
              const z = vector(input.probe_z_per_arm[probe]?.[k])
              const { mean, variance } = learner.estimate(k, vector(x), z)
              return [mean, variance, mean + args.alpha * Math.sqrt(variance)]
            }),
          ),
        }
        assert.ok(assertNumbers(found, expected, tolerance, `after ${after}`) > 40)
      }
    }
  })

  test('discounted-linucb.json: one parameter, and arms that fade by a common clock', () => {
    const { groups, tolerance } = golden<Discounted>('discounted-linucb.json')
    for (const { args, input, shared_parameter, disjoint_lazy } of groups) {
      const { gamma, dim, lambda_: precision } = args
      const probes = input.probe_contexts.map(vector)
      const create = () => new DiscountedLinUcb({ dimension: dim, precision, discount: gamma })
      const shared = create()
      const arms = indexes(args.n_arms).map(create)
      const confidence = {
        dimension: dim,
        precision,
        discount: gamma,
        delta: args.delta,
        noiseSd: args.sigma,
        parameterNorm: args.S,
        contextNorm: args.L,
      }
      let round = 0
      const learnUntil = (last: number): void => {
        for (; round < last; round++) {
          const x = vector(input.contexts[round])
          shared.learn(x, input.rewards[round] as number, round)
          arms[input.arms[round] as number]?.learn(x, input.rewards[round] as number, round)
        }
      }
      for (const { after, ...expected } of shared_parameter.checkpoints) {
        learnUntil(after)
        const { mean, precision: V } = shared.posterior(after - 1)
        const beta = discountedConfidence(confidence, after)
        const estimates = probes.map((x) => shared.estimate(x, after - 1))
        const found = {
          theta: mean,
          V: symmetricRows(V, dim),
          V_tilde: symmetricRows(shared.twiceDiscounted(after - 1), dim),
          beta,
          probe_mean: estimates.map((estimate) => estimate.mean),
          probe_width: estimates.map(({ width }) => width),
          probe_ucb: estimates.map((estimate) => estimate.mean + beta * estimate.width),
        }
        assert.ok(assertNumbers(found, expected, tolerance, `after ${after}`) > 40)
      }
      const last = input.arms.length - 1
      const ridge = (k: number) => {
        const posterior = (arms[k] as DiscountedLinUcb).posterior(last)
        const data = symmetricRows(posterior.precision, dim)
        for (const [i, row] of data.entries()) row[i] = (row[i] as number) - precision
        return { ...posterior, data }
      }
      const estimates = probes.map((x) => arms.map((arm) => arm.estimate(x, last)))
      const { note: _, ...numbers } = disjoint_lazy
      const found = {
        effective_n: indexes(args.n_arms).map((k) => 2 * (ridge(k).shape - 2)),
        A_data: indexes(args.n_arms).map((k) => ridge(k).data),
        b: indexes(args.n_arms).map((k) => {
          const { mean, precision: V } = ridge(k)
          return symmetricRows(V, dim).map((row) =>
            row.reduce((sum, value, j) => sum + value * (mean[j] as number), 0),
          )
        }),
        theta: indexes(args.n_arms).map((k) => ridge(k).mean),
        probe_mean: estimates.map((row) => row.map(({ mean }) => mean)),
        probe_width_dlinucb: estimates.map((row) => row.map(({ width }) => width)),
        probe_width_plain: estimates.map((row) => row.map(({ plainWidth }) => plainWidth)),
      }
      assert.ok(assertNumbers(found, numbers, tolerance, 'disjoint') > 60)
    }
  })

  test('discounted-linucb.json: a bandit with a half-life fades as its arms do', () => {
    const { groups, tolerance } = golden<Discounted>('discounted-linucb.json')
    for (const { args, input, disjoint_lazy } of groups) {
      const bandit = createLinearBandit({
        arms: indexes(args.n_arms).map(String),
        dimension: args.dim,
        prior: { precision: args.lambda_, noise: { kind: 'known', sd: 1 } },
        halfLife: Math.log(0.5) / Math.log(args.gamma),
      })
      for (const [round, arm] of input.arms.entries()) {
        bandit.learn(arm, vector(input.contexts[round]), input.rewards[round] as number, round)
      }
      const last = input.arms.length - 1
      const probes = input.probe_contexts.map(vector)
      const posteriors = indexes(args.n_arms).map((k) => bandit.posterior(k, last))
      const found = {
        theta: posteriors.map(({ mean }) => mean),
        probe_width_plain: probes.map((x) =>
          posteriors.map((posterior) => Math.sqrt(leverage(posterior, x))),
        ),
      }
      const { theta, probe_width_plain } = disjoint_lazy
      assertNumbers(found, { theta, probe_width_plain }, tolerance, 'bandit')
    }
  })
})

interface Discounted {
  readonly tolerance: Tolerance
  readonly groups: readonly {
    args: {
      lambda_: number
      gamma: number
      delta: number
      sigma: number
      S: number
      L: number
      dim: number
      n_arms: number
    }
    input: { contexts: Rows; arms: number[]; rewards: number[]; probe_contexts: Rows }
    shared_parameter: { checkpoints: { after: number; [numbers: string]: unknown }[] }
    disjoint_lazy: { note: string; theta: Rows; probe_width_plain: Rows; [numbers: string]: unknown }
  }[]
}
