/** Marginalised weights with known p(e|a), self-normalised, and with dimensions left out by SLOPE. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  type EmbeddingProbabilities,
  type EstimatorRow,
  importanceWeight,
  ips,
  marginalWeight,
  mips,
  pruneEmbedding,
  RowMean,
  SelfNormalised,
  snmips,
} from '../../eval/index.ts'
import { assertNumbers, golden, type Tolerance } from '../helpers/golden.ts'
import { addAll, momentsOf } from '../helpers/golden-ope.ts'
import { needsShared } from '../helpers/shared.ts'

interface MipsFile {
  readonly tolerance: Tolerance
  readonly groups: readonly {
    readonly input: {
      readonly action: readonly number[]
      readonly reward: readonly number[]
      readonly pscore: readonly number[]
      readonly pi_b: readonly (readonly number[])[]
      readonly pi_e: readonly (readonly number[])[]
      readonly action_embed: readonly (readonly number[])[]
      readonly p_e_a: EmbeddingProbabilities
    }
    readonly cases: readonly {
      readonly name: string
      readonly args?: { readonly delta: number; readonly min_emb_dim: number }
      readonly expected: { value: number; round_var_ddof0?: number; round_first3?: number[] }
    }[]
  }[]
}

suite('mips.json', needsShared('golden', 'ope'), () => {
  const { groups, tolerance } = golden<MipsFile>('mips.json', 'ope')

  for (const [index, { input, cases }] of groups.entries()) {
    const decisions = input.action.map((_, i) => ({
      target: input.pi_e[i]!,
      logged: input.pi_b[i]!,
      embedding: input.action_embed[i]!,
      reward: input.reward[i]!,
    }))
    const rows = decisions.map(
      (decision): EstimatorRow => ({
        weight: marginalWeight(decision, input.p_e_a),
        reward: decision.reward,
        predicted: 0,
        predictedTarget: 0,
      }),
    )
    for (const { name, args, expected } of cases) {
      test(`log ${index}: ${name}`, () => {
        if (name === 'mips') {
          const moments = addAll(new RowMean(mips), rows).moments
          const found = {
            value: moments.mean,
            round_var_ddof0: moments.squares / moments.count,
            round_first3: rows.slice(0, 3).map(mips.of),
          }
          assert.equal(assertNumbers(found, expected, tolerance), 5)
        } else if (name === 'snmips') {
          assertNumbers(addAll(new SelfNormalised(snmips), rows).get()?.value, expected.value, tolerance)
          const meanWeight = momentsOf(rows.map(({ weight }) => weight)).mean
          const theirs = momentsOf(rows.map(({ weight, reward }) => (weight * reward) / meanWeight))
          assertNumbers(theirs.squares / theirs.count, expected.round_var_ddof0, tolerance)
        } else if (name === 'ips_for_comparison') {
          const plain = rows.map((row, i) => ({
            ...row,
            weight: importanceWeight(input.pi_e[i]![input.action[i]!]!, input.pscore[i]!),
          }))
          assertNumbers(addAll(new RowMean(ips), plain).get()?.value, expected.value, tolerance)
        } else {
          const search = name === 'mips_exact_pruning' ? 'exact' : 'greedy'
          const { delta, min_emb_dim: fewest } = args!
          const pruned = pruneEmbedding(decisions, input.p_e_a, { search, delta, fewest })
          const values = pruned.accepted.map(({ value }) => value)
          assert.equal(pruned.estimate.value, values.at(-1))
          // Where nothing is rejected the reference returns the last but one of what it accepted: its list of values is read
          // before the last is put on it. Ours is the last.
          const allAccepted = pruned.dimensions.length === fewest && values.length === 1 + 2
          assertNumbers(values.at(allAccepted ? -2 : -1), expected.value, tolerance)
          assert.equal(allAccepted, index === 1)
          assert.ok(Math.abs(values[0]! + pruned.bias.value - pruned.estimate.value) < 1e-12)
        }
      })
    }
  }
})
