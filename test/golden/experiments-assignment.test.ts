/** Assignment against GrowthBook's published conformance cases and further vectors of its hash. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type AssignmentPlan, assign, inNamespace } from '../../server/experiments/assignment.ts'
import { bucketOf, type HashVersion } from '../../server/experiments/bucket-hash.ts'
import {
  type BucketRange,
  bucketRanges,
  chooseVariant,
  equalWeights,
} from '../../server/experiments/ranges.ts'
import { assertNumbers, golden } from '../helpers/golden.ts'
import { needsShared } from '../helpers/shared.ts'

type HashRow = readonly [seed: string, value: string, version: number, expected: number | null]
interface RunExperiment {
  readonly key: string
  readonly seed?: string
  readonly hashVersion?: HashVersion
  readonly variations: readonly unknown[]
  readonly weights?: readonly number[]
  readonly coverage?: number
  readonly ranges?: readonly BucketRange[]
  readonly namespace?: readonly [string, number, number]
  readonly [other: string]: unknown
}
interface Cases {
  readonly hash: readonly HashRow[]
  readonly getBucketRange: readonly (readonly [
    string,
    [number, number, number[] | null],
    [number, number][],
  ])[]
  readonly chooseVariation: readonly (readonly [string, number, [number, number][], number])[]
  readonly inNamespace: readonly (readonly [string, string, [string, number, number], boolean])[]
  readonly getEqualWeights: readonly (readonly [number, number[]])[]
  readonly run: readonly (readonly [
    string,
    { readonly attributes?: Readonly<Record<string, unknown>> },
    RunExperiment,
    unknown,
    boolean,
    boolean,
  ])[]
}
interface Extra {
  readonly hash: readonly HashRow[]
  readonly uniformity: readonly { readonly seed: string; readonly decile_counts: number[] }[]
  readonly independence: { readonly table: number[][] }
}

/** Keys of a `run` case that assignment knows; cases with others are about feature flags and conditions. */
const KNOWN = 'key seed hashVersion variations weights coverage ranges namespace'.split(' ')
const close = { rel: 0, abs: 1e-8 }

suite('assignment as published', needsShared('golden', 'experiments'), () => {
  const { cases } = golden<{ readonly cases: Cases }>('growthbook-cases.json', 'experiments')
  const extra = golden<Extra>('hash-extra.json', 'experiments')

  test('hash', () => {
    const rows = [...cases.hash, ...extra.hash].filter(([, , version]) => version === 1 || version === 2)
    assert.equal(rows.length, 126)
    for (const [seed, value, version, expected] of rows) {
      assert.equal(bucketOf(seed, value, version as HashVersion), expected, `${seed} ${value}`)
    }
  })

  test('buckets are uniform, and two experiments independent', () => {
    const buckets = (seed: string) =>
      Array.from({ length: 20_000 }, (_, index) => bucketOf(seed, `user-${index}`))
    for (const { seed, decile_counts } of extra.uniformity) {
      const counts = new Array<number>(10).fill(0)
      for (const bucket of buckets(seed)) counts[Math.floor(Math.round(bucket * 10_000) / 1_000)]! += 1
      assert.deepEqual(counts, decile_counts)
    }
    const table = [
      [0, 0],
      [0, 0],
    ]
    const second = buckets('exp-2')
    buckets('exp-1').forEach((bucket, index) => {
      table[bucket < 0.5 ? 0 : 1]![second[index]! < 0.5 ? 0 : 1]! += 1
    })
    assert.deepEqual(table, extra.independence.table)
  })

  test('ranges, choice, weights and namespaces', () => {
    for (const [name, [variants, coverage, weights], expected] of cases.getBucketRange) {
      assertNumbers(bucketRanges(variants, coverage, weights ?? undefined), expected, close, name)
    }
    for (const [name, bucket, ranges, expected] of cases.chooseVariation) {
      assert.equal(chooseVariant(bucket, ranges), expected, name)
    }
    for (const [variants, expected] of cases.getEqualWeights) {
      assertNumbers(equalWeights(variants), expected, close)
    }
    for (const [label, value, [name, from, to], expected] of cases.inNamespace) {
      assert.equal(inNamespace(value, { name, from, to, hashVersion: 1 }), expected, label)
    }
  })

  const runs = cases.run.filter(
    ([, context, experiment]) =>
      Object.keys(context).every((key) => key === 'attributes') &&
      Object.keys(experiment).every((key) => KNOWN.includes(key)) &&
      experiment.variations.length > 1 &&
      typeof (context.attributes?.['id'] ?? '') === 'string',
  )
  test(`whole experiments (${runs.length} of ${cases.run.length})`, () => {
    assert.ok(runs.length >= 40)
    for (const [name, context, experiment, expected, isIn] of runs) {
      const {
        key,
        seed = key,
        hashVersion = 1,
        variations,
        weights,
        coverage = 1,
        ranges,
        namespace,
      } = experiment
      const subject = { model: 'auto', requestClass: 'chat', tenant: 'one' }
      const full = ranges ?? bucketRanges(variations.length, 1, weights)
      const plan: AssignmentPlan = {
        seed,
        hashVersion,
        bucketVersion: 0,
        allocation: full.map((range) => [range]),
        coverage: ranges === undefined ? coverage : 1,
        ramp: [],
        targeting: {},
        ...(namespace && {
          namespace: { name: namespace[0], from: namespace[1], to: namespace[2], hashVersion: 1 },
        }),
      }
      const assignment = assign(plan, subject, String(context.attributes?.['id'] ?? ''), 0)
      assert.equal(assignment.kind === 'in', isIn, name)
      const variant = assignment.kind === 'in' ? assignment.variant : 0
      assert.deepEqual(variations[variant], expected, name)
    }
  })
})
