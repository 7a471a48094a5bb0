/** The decision core against reference computations (golden/bandit of the reference data). */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { bestArmProbabilities } from '../../engine/best-arm.ts'
import { nonZeros } from '../../engine/linalg.ts'
import { LinearHead } from '../../engine/linear-head.ts'
import { assertClose } from '../helpers/engine.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'

function golden<T>(file: string): T {
  return JSON.parse(readFileSync(sharedPath('golden', 'bandit', file), 'utf8')) as T
}

suite('golden bandit numbers', needsShared('golden', 'bandit'), () => {
  test('Thompson propensities are the best-arm probabilities of lints.json', () => {
    type Probe = { mean: number[]; sd: number[]; prob_best: number[] }
    const { groups, tolerance } = golden<{
      groups: { expected: { probes: Probe[] } }[]
      tolerance: { prob_best_abs: number }
    }>('lints.json')
    let compared = 0
    for (const { expected } of groups) {
      for (const { mean, sd, prob_best } of expected.probes) {
        const actual = bestArmProbabilities(Float64Array.from(mean), Float64Array.from(sd))
        for (const [k, p] of prob_best.entries()) {
          assert.ok(
            Math.abs((actual[k] as number) - p) <= tolerance.prob_best_abs,
            `${actual[k]} is not ${p}`,
          )
          compared++
        }
      }
    }
    assert.ok(compared > 50)
  })

  test('a linear head is the normal-inverse-gamma posterior of nig.json, one example at a time', () => {
    type Checkpoint = {
      after: number
      mean: number[]
      a: number
      b: number
      probes: { loc: number; scale_mean: number }[]
    }
    const { groups } = golden<{
      groups: {
        args: { precision0: number[][]; mean0: number[]; a0: number; b0: number }
        input: { x: number[][]; y: number[]; probe_x: number[][] }
        checkpoints: Checkpoint[]
      }[]
    }>('nig.json')
    let compared = 0
    for (const { args, input, checkpoints } of groups) {
      const diagonal = args.precision0.map((row, i) => row[i] as number)
      const isDiagonal = args.precision0.every((row, i) => row.every((value, j) => i === j || value === 0))
      if (!isDiagonal) continue
      const prior = {
        mean: Float64Array.from(args.mean0),
        precision: Float64Array.from(diagonal),
        shape: args.a0,
        rate: args.b0,
      }
      const head = new LinearHead(prior, Number.POSITIVE_INFINITY)
      let seen = 0
      for (const checkpoint of checkpoints) {
        for (; seen < checkpoint.after; seen++) {
          const x = Float64Array.from(input.x[seen] as number[])
          head.observe(x, nonZeros(x, x.length), input.y[seen] as number, 1, seen)
        }
        for (const [i, expected] of checkpoint.probes.entries()) {
          const x = Float64Array.from(input.probe_x[i] as number[])
          const { mean, sd } = head.predict(x, nonZeros(x, x.length), seen)
          assertClose(mean, expected.loc, 1e-9, `mean after ${seen}`)
          if (checkpoint.a > 1) {
            // Ours is the sd of the Student t, theirs its scale.
            const studentSd = expected.scale_mean * Math.sqrt(checkpoint.a / (checkpoint.a - 1))
            assertClose(sd, studentSd, 1e-9, `sd after ${seen}`)
          }
          compared++
        }
      }
    }
    assert.ok(compared > 10)
  })

  test('sums of replicas, brought to the same now, are the merged sums of merge-decay.json', () => {
    type Sums = { n: number; A: number[][]; b: number[]; yy: number }
    const file = golden<{
      groups: {
        args: { half_life_seconds: number; now: number; dim: number; replicas: number }
        input: { x: number[][]; y: number[]; replica: number[]; timestamp: number[] }
        expected: { merged_decayed_at_now: Sums }
      }[]
    }>('merge-decay.json')
    let compared = 0
    for (const { args, input, expected } of file.groups) {
      const halfLifeMs = args.half_life_seconds * 1_000
      const prior = {
        mean: new Float64Array(args.dim),
        precision: new Float64Array(args.dim).fill(1),
        shape: 2,
        rate: 1,
      }
      const heads = Array.from({ length: args.replicas }, () => new LinearHead(prior, halfLifeMs))
      for (const [i, row] of input.x.entries()) {
        const x = Float64Array.from(row)
        const head = heads[input.replica[i] as number] as LinearHead
        const atMs = (input.timestamp[i] as number) * 1_000
        head.observe(x, nonZeros(x, x.length), input.y[i] as number, 1, atMs)
      }
      const merged = new LinearHead(prior, halfLifeMs)
      for (const head of heads) {
        const sums = head.sums()
        if (sums !== undefined) merged.absorb(sums)
      }
      const actual = merged.sumsAt(args.now * 1_000)
      const wanted = expected.merged_decayed_at_now
      assert.ok(actual)
      assertClose(actual.n, wanted.n, 1e-9, 'n')
      assertClose(actual.c, wanted.yy, 1e-9, 'yy')
      for (const [i, value] of wanted.b.entries()) assertClose(actual.b[i] as number, value, 1e-9, `b[${i}]`)
      for (const [i, row] of wanted.A.entries()) {
        for (let j = 0; j <= i; j++) {
          assertClose(actual.A[(i * (i + 1)) / 2 + j] as number, row[j] as number, 1e-9, `A[${i},${j}]`)
          compared++
        }
      }
    }
    assert.ok(compared > 10)
  })
})
