/** What SLOPE and the estimated squared error choose, with the whole table of candidates. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type ShrinkageFamily, Tuning } from '../../eval/index.ts'
import { assertNumbers, golden, type Tolerance } from '../helpers/golden.ts'
import { addAll, type LoggedRows, number, rowsOf } from '../helpers/golden-ope.ts'
import { needsShared } from '../helpers/shared.ts'

interface TuningCase {
  readonly name: string
  readonly args: {
    readonly lambdas: readonly (number | string)[]
    readonly tuning_method: 'slope' | 'mse'
    readonly use_bias_upper_bound: boolean
    readonly delta: number
  }
  readonly expected: {
    readonly best_lambda: number | string
    readonly value: number
    readonly table?: readonly { lambda_: number | string; theta: number; cnf: number }[]
    readonly mse_score?: readonly { lambda_: number | string; score: number }[]
  }
}
interface TuningFile {
  readonly tolerance: Tolerance
  readonly groups: readonly { readonly input: LoggedRows; readonly cases: readonly TuningCase[] }[]
}

/** The reference’s names of the families. */
const FAMILIES: Readonly<Record<string, ShrinkageFamily>> = {
  ips: 'clipped_ips',
  dr: 'clipped_dr',
  'switch-dr': 'switch_dr',
  'dr-os': 'dr_os',
  'sg-ips': 'sg_ips',
  'sg-dr': 'sg_dr',
}

suite('tuning.json', needsShared('golden', 'ope'), () => {
  const { groups, tolerance } = golden<TuningFile>('tuning.json', 'ope')

  for (const [index, { input, cases }] of groups.entries()) {
    const rows = rowsOf(input)
    for (const { name, args, expected } of cases) {
      test(`log ${index}: ${name}`, () => {
        const family = FAMILIES[name.split('/')[0]!]!
        const tuning = addAll(new Tuning(family, args.lambdas.map(number)), rows)
        const { delta } = args
        const table = new Map<number, { theta: number; cnf?: number; score?: number; bias: number }>()
        const choice =
          args.tuning_method === 'slope'
            ? tuning.slope({ delta })!
            : tuning.mse({ delta, biasBound: args.use_bias_upper_bound ? 'upper' : 'direct' })!
        for (const row of choice.table) {
          const cnf = 'halfWidth' in row ? { cnf: row.halfWidth } : {}
          const score = 'score' in row ? { score: row.score } : {}
          table.set(row.setting, { theta: row.estimate.value, bias: row.bias.value, ...cnf, ...score })
        }
        assert.equal(choice.setting, number(expected.best_lambda))
        assertNumbers(choice.estimate.value, expected.value, tolerance)
        const listed = expected.table ?? expected.mse_score ?? []
        assert.equal(listed.length, args.lambdas.length)
        for (const { lambda_, ...numbers } of listed) {
          assertNumbers(table.get(number(lambda_)), numbers, tolerance, `${name} at ${lambda_}`)
        }
        // The bias beside it is the distance to the value without shrinkage, on the same rows.
        const unshrunk = family.startsWith('sg') ? undefined : table.get(Number.POSITIVE_INFINITY)
        if (unshrunk !== undefined) {
          const distance = choice.estimate.value - unshrunk.theta
          assert.ok(Math.abs(choice.bias.value - distance) < 1e-12)
        }
      })
    }
  }
})
