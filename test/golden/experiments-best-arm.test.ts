/** Best-arm identification and bandit shares: TensorZero's and GrowthBook's published numbers, and independent solutions. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  chancesToBeBest,
  leaderOf,
  meanBelief,
  optimalShares,
  stoppingOf,
  topTwoShares,
  withShareFloor,
} from '../../eval/index.ts'
import { assertNumbers, golden } from '../helpers/golden.ts'
import { needsShared } from '../helpers/shared.ts'

interface Arguments {
  readonly counts: readonly number[]
  readonly means: readonly number[]
  readonly variances: readonly number[]
  readonly epsilon: number
  readonly optimize: 'max' | 'min'
}
interface Golden {
  readonly tolerance: Readonly<Record<'published' | 'reference_solution' | 'stopping' | 'prob_best', number>>
  readonly optimal_probabilities: readonly {
    readonly name: string
    readonly args: Arguments & { readonly min_prob: number; readonly reg0: number }
    readonly leader: number
    readonly expected_published?: readonly number[]
    readonly reference_solution: readonly number[]
  }[]
  readonly stopping: readonly {
    readonly args: Arguments & {
      readonly delta: number
      readonly min_pulls: number
      readonly variance_floor: number
    }
    readonly expected: {
      readonly leader: number
      readonly glr: Readonly<Record<string, number>>
      readonly threshold: number
      readonly stop: boolean
    }
  }[]
  readonly gaussian_prob_best: readonly {
    readonly means: readonly number[]
    readonly sds: readonly number[]
    readonly prob_best: readonly number[]
  }[]
  readonly bandit_weights: readonly {
    readonly stats: readonly { readonly n: number; readonly mean: number; readonly variance: number }[]
    readonly posterior_mean?: readonly number[]
    readonly posterior_sd?: readonly number[]
    readonly prob_best: readonly number[] | null
    readonly weights_additive_floor?: readonly number[]
  }[]
}

/** "Lower is better" is negated once, at the edge. */
function variantsOf({ counts, means, variances, optimize }: Arguments) {
  const sign = optimize === 'max' ? 1 : -1
  return counts.map((n, k) => ({ n, mean: sign * means[k]!, variance: variances[k]! }))
}

suite('best arm', needsShared('golden', 'experiments'), () => {
  const file = golden<Golden>('best-arm.json', 'experiments')

  for (const { name, args, leader, expected_published, reference_solution } of file.optimal_probabilities) {
    test(`shares: ${name}, ${args.optimize}`, () => {
      const variants = variantsOf(args)
      assert.equal(leaderOf(variants), leader)
      const shares = optimalShares(variants, {
        epsilon: args.epsilon,
        minShare: args.min_prob,
        regularisation: args.reg0,
      })
      assertNumbers(shares, reference_solution, { rel: 0, abs: file.tolerance.reference_solution })
      if (expected_published !== undefined) {
        assertNumbers(shares, expected_published, { rel: 0, abs: file.tolerance.published })
      }
    })
  }

  test('the stopping rule', () => {
    for (const { args, expected } of file.stopping) {
      const { delta, epsilon, min_pulls: minUnits, variance_floor: varianceFloor } = args
      // The reference takes no union over the comparisons; our default does.
      const rule = { delta, epsilon, minUnits, varianceFloor, comparisons: 1 }
      const stopping = stoppingOf(variantsOf(args), rule)
      assert.equal(stopping.leader, expected.leader)
      assert.equal(stopping.stop, expected.stop)
      const close = { rel: file.tolerance.stopping, abs: file.tolerance.stopping }
      assertNumbers(stopping.threshold, expected.threshold, close)
      assertNumbers(Object.fromEntries(stopping.likelihoodRatios), expected.glr, close)
      const stricter = stoppingOf(variantsOf(args), { delta })
      assertNumbers(stricter.threshold, expected.threshold + Math.log(args.counts.length - 1), close)
    }
  })

  test('chances to be best', () => {
    for (const { means, sds, prob_best } of file.gaussian_prob_best) {
      const chances = chancesToBeBest(means.map((mean, k) => ({ mean, sd: sds[k]! })))
      assertNumbers(chances, prob_best, { rel: 0, abs: file.tolerance.prob_best })
    }
  })

  test('GrowthBook’s shares, with the additive floor', () => {
    for (const row of file.bandit_weights) {
      if (row.prob_best === null) continue
      const beliefs = row.stats.map(meanBelief)
      const close = { rel: 0, abs: 1e-9 }
      assertNumbers(
        beliefs.map(({ mean }) => mean),
        row.posterior_mean,
        close,
      )
      assertNumbers(
        beliefs.map(({ sd }) => sd),
        row.posterior_sd,
        close,
      )
      const chances = chancesToBeBest(beliefs)
      assertNumbers(chances, row.prob_best, close)
      assertNumbers(withShareFloor(chances, 0.01), row.weights_additive_floor, close)
    }
  })

  test('top-two shares: the definition, by enumeration', () => {
    const chances = [0.5, 0.3, 0.2]
    const expected = chances.map((own, a) => {
      const afterAnother = chances.map((first, b) => (a === b ? 0 : (first * own) / (1 - first)))
      return 0.5 * own + 0.5 * afterAnother.reduce((sum, value) => sum + value, 0)
    })
    assertNumbers(topTwoShares(chances), expected, { rel: 1e-15, abs: 0 })
    assertNumbers(
      topTwoShares(chances).reduce((sum, share) => sum + share, 0),
      1,
      { rel: 1e-15, abs: 0 },
    )
    assert.deepEqual(topTwoShares([1, 0, 0]), [0.5, 0.25, 0.25])
  })
})
