import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  type ArmId,
  createFeatureSpace,
  createPolicyFile,
  createRouter,
  EngineError,
  type PolicyFile,
  priorSumsOf,
  qualityObservation,
  readPolicyFile,
  readTextProjection,
  type TextProjection,
  type TuningProvenance,
  writePolicyFile,
} from '../../engine/index.ts'
import { decide, decisionId, facts, router, seeded } from '../helpers/engine.ts'

function made(draft: Partial<PolicyFile> = {}, text?: TextProjection): PolicyFile {
  const classes = ['chat', 'code', 'math']
  const source = createRouter({
    arms: [...router().arms.values()],
    featureSpace: createFeatureSpace({ classes, ...(text !== undefined && { text }) }),
  })
  const uniform = seeded(5)
  for (let i = 0; i < 60; i++) {
    const decision = decide(source, {
      id: decisionId(i),
      facts: facts({ requestClass: i % 2 ? 'code' : 'chat' }),
    })
    source.learn([
      qualityObservation(decision, decision.arm, uniform(), i),
      { ...qualityObservation(decision, decision.arm, 1, i), head: 'success', x: Float64Array.of(1) },
      {
        ...qualityObservation(decision, decision.arm, 1, i),
        head: 'ttft',
        x: decision.x.subarray(0, source.featureSpace.servingDimension),
        y: 5 + uniform(),
      },
    ])
  }
  return createPolicyFile(source, {
    policy: { name: 'thompson', exploration: 0.4 },
    hyperparameters: {
      floor: 0.01,
      effectiveSamples: 300,
      halfLifeMs: { quality: Number.POSITIVE_INFINITY, ttft: 9 },
    },
    provenance: { createdMs: 1_700_000_000_000, source: 'crossroads', split: 'train', rows: 60 },
    ...draft,
  })
}

const again = (file: PolicyFile) => readPolicyFile(JSON.parse(writePolicyFile(file)))

suite('a policy file', () => {
  test('is read back to the last bit', () => {
    const file = made()
    assert.deepEqual(again(file), file)
    assert.equal(writePolicyFile(again(file)), writePolicyFile(file))
    const numbers = fc.double({ noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(fc.array(numbers, { minLength: 15, maxLength: 15 }), (b) => {
        const [first] = file.sums
        const edited = { ...file, sums: [{ ...first!, b: Array.from(first!.b, (_, i) => b[i % 15]!) }] }
        const back = again(edited).sums[0]!.b
        for (const [i, value] of back.entries()) assert.ok(value === edited.sums[0]!.b[i], `${value}`)
      }),
      { seed: 1 },
    )
  })

  test('with what was searched is read back too, and without it as older files are', () => {
    const interval = { mean: 0.7, lo: 0.6, hi: 0.8 }
    const tuning: TuningProvenance = {
      objective: 'aiq',
      costWeight: 0,
      seed: 3,
      trials: 30,
      searchSpace: { floor: [0, 0.02] },
      inner: { folds: 4, score: 0.71 },
      heldOut: {
        rows: 20,
        fittedRows: 80,
        value: interval,
        gain: interval,
        beside: { zeroRouter: interval },
      },
      versions: { highwayman: '0.1.0' },
    }
    const plain = made()
    const { hyperparameters, provenance } = plain
    const file = made({
      hyperparameters: { ...hyperparameters, priorScale: { class: 0.5, text: 2 } },
      provenance: { ...provenance, tuning },
    })
    assert.deepEqual(again(file), file)
    assert.equal('tuning' in again(plain).provenance, false)
    assert.equal('priorScale' in again(plain).hyperparameters, false)
    const broken = (change: (json: ReturnType<typeof JSON.parse>) => void) => {
      const json = JSON.parse(writePolicyFile(file))
      change(json)
      return () => readPolicyFile(json)
    }
    const code = 'engine_bad_policy_file'
    assert.throws(
      broken((json) => (json.hyperparameters.priorScale.text = 0)),
      { code, message: /priorScale\.text/ },
    )
    assert.throws(
      broken((json) => delete json.provenance.tuning.trials),
      { code, message: /tuning\.trials/ },
    )
    assert.throws(
      broken((json) => (json.provenance.tuning.heldOut.value.lo = 0.9)),
      { code, message: /heldOut\.value/ },
    )
  })

  test('keeps how its rows got their classes, and says which part of that is none', () => {
    const plain = made()
    const labels = {
      by: 'task',
      map: { poem: 'creative' },
      rows: { byName: 3, byMap: 2, inferred: 0 },
    } as const
    const file = { ...plain, provenance: { ...plain.provenance, labels } }
    assert.deepEqual(again(file), file)
    assert.equal('labels' in again(plain).provenance, false)
    for (const [change, message] of [
      [{ by: 'name' }, /provenance\.labels\.by must be one of category, task, inferred, got name/],
      [{ map: { poem: 3 } }, /provenance\.labels\.map\.poem must be a text, got 3/],
      [{ rows: { byName: 1.5 } }, /provenance\.labels\.rows\.byName/],
    ] as const) {
      const json = JSON.parse(writePolicyFile(file))
      Object.assign(json.provenance.labels, change)
      assert.throws(() => readPolicyFile(json), { code: 'engine_bad_policy_file', message })
    }
  })

  test('has one line for each arm and head, in order, and no success', () => {
    const file = made()
    const keys = file.sums.map(({ arm, head }) => `${arm} ${head}`)
    assert.deepEqual(keys, [...keys].sort())
    assert.ok(keys.length >= 4)
    assert.ok(!keys.some((key) => key.endsWith('success')))
    const lines = writePolicyFile(file).split('\n')
    assert.equal(lines.filter((line) => line.startsWith('    {"arm"')).length, keys.length)
  })

  test('starts a router where the other one was', () => {
    const file = again(made())
    const target = router()
    target.startFrom(priorSumsOf(file, target.featureSpace))
    const [x] = decide(target).estimates
    assert.ok(x!.quality.sd < 0.4)
  })

  test('keeps a text section as it is, and ignores what a later release adds', () => {
    const text = {
      version: 1,
      kind: 'embedding',
      components: 3,
      model: 'm',
      dimensions: 8,
      seed: 1,
    } as const
    const file = made({ text }, readTextProjection(text))
    assert.deepEqual(again(file), file)
    assert.equal(file.featureSpace.dimension, file.featureSpace.servingDimension + 3)
    const json = JSON.parse(writePolicyFile(made()))
    assert.deepEqual(readPolicyFile({ ...json, later: 1, policy: json.policy }), made())
  })

  test('of other classes is refused with both lists', () => {
    assert.throws(
      () => priorSumsOf(made(), createFeatureSpace({ classes: ['x', 'y'] })),
      (error) =>
        error instanceof EngineError &&
        error.code === 'engine_snapshot_mismatch' &&
        /chat, code, math; .* x, y: give the same classes/.test(error.message),
    )
  })

  type Json = Record<string, unknown>
  const wrongs: readonly (readonly [string, (json: Json) => unknown, RegExp])[] = [
    ['no object', () => [], /policy file: it must be an object, got \[\]/],
    ['another format', (json) => ({ ...json, format: 'x' }), /format must be "highwayman-policy".* got x/],
    ['another version', (json) => ({ ...json, version: 2 }), /version must be 1.* got 2/],
    [
      'no feature space',
      (json) => ({ ...json, featureSpace: null }),
      /featureSpace must be an object, got null/,
    ],
    [
      'a serving dimension beyond the dimension',
      (json) => ({ ...json, featureSpace: { ...(json['featureSpace'] as object), servingDimension: 99 } }),
      /featureSpace\.servingDimension must be 15, got 99/,
    ],
    [
      'an unknown policy',
      (json) => ({ ...json, policy: { name: 'thomson' } }),
      /policy is refused: unknown policy "thomson"/,
    ],
    [
      'a policy without a name',
      (json) => ({ ...json, policy: {} }),
      /policy\.name must be a text, got nothing/,
    ],
    [
      'a bad policy number',
      (json) => ({ ...json, policy: { name: 'thompson', exploration: -1 } }),
      /policy is refused: exploration/,
    ],
    [
      'a floor of 1',
      (json) => ({ ...json, hyperparameters: { ...(json['hyperparameters'] as object), floor: 1 } }),
      /hyperparameters\.floor must be .* in \[0, 1\), got 1/,
    ],
    [
      'no samples',
      (json) => ({
        ...json,
        hyperparameters: { ...(json['hyperparameters'] as object), effectiveSamples: 0 },
      }),
      /hyperparameters\.effectiveSamples .* above 0, got 0/,
    ],
    [
      'a half-life of 0',
      (json) => ({
        ...json,
        hyperparameters: { ...(json['hyperparameters'] as object), halfLifeMs: { ttft: 0 } },
      }),
      /hyperparameters\.halfLifeMs\.ttft .* got 0/,
    ],
    [
      'a half-life that no rate can be made of',
      (json) => ({
        ...json,
        hyperparameters: { ...(json['hyperparameters'] as object), halfLifeMs: { ttft: 1e-300 } },
      }),
      /hyperparameters\.halfLifeMs\.ttft must be a finite number of at least 1, got 1e-300/,
    ],
    [
      'a prior that overflows',
      (json) => ({
        ...json,
        hyperparameters: { ...(json['hyperparameters'] as object), priorScale: { class: 1e308 } },
      }),
      /hyperparameters\.priorScale\.class must be a finite number in \[1e-9, 1000000000\]/,
    ],
    ['sums that are no list', (json) => ({ ...json, sums: {} }), /sums must be a list, got \{\}/],
    ['an unknown head', edit({ head: 'success' }), /sums\[1\]\.head must be quality, .* got success/],
    ['no arm', edit({ arm: '' }), /sums\[1\]\.arm must be a text/],
    ['a negative n', edit({ n: -1 }), /sums\[1\]\.n .* at least 0, got -1/],
    ['a short vector', edit({ b: [1, 2] }), /sums\[1\]\.b must have 15 numbers, got 2 of them/],
    [
      'a text in a vector',
      edit({ b: Array.from({ length: 15 }, (_, i) => (i === 3 ? 'x' : 1)) }),
      /sums\[1\]\.b\[3\] must be a finite number .* got x/,
    ],
    ['an n that is not that of A', edit({ n: 7_000 }), /sums\[1\]\.A\[0\] must be n, 7000/],
    [
      'a negative sum of squares',
      (json) => {
        const sums = structuredClone(json['sums']) as { A: number[] }[]
        sums[1]!.A[2] = -3
        return { ...json, sums }
      },
      /sums\[1\]\.A\[2\] is a sum of squares .* got -3/,
    ],
    [
      'the same arm and head twice',
      (json) => ({ ...json, sums: [...(json['sums'] as object[]), (json['sums'] as object[])[0]] }),
      /sums\[\d+\] is of the same arm and head as sums\[0\]/,
    ],
    [
      'no origin',
      (json) => ({ ...json, provenance: { ...(json['provenance'] as object), source: 3 } }),
      /provenance\.source must be a text, got 3/,
    ],
    [
      'half a row',
      (json) => ({ ...json, provenance: { ...(json['provenance'] as object), rows: 1.5 } }),
      /provenance\.rows .* without a fraction, at least 0, got 1\.5/,
    ],
    ['a text section that is none', (json) => ({ ...json, text: 'x' }), /text must be an object, got x/],
    [
      'a text block of another kind',
      (json) => ({ ...json, text: { version: 1, components: 3, kind: 'x' } }),
      /text is refused: text projection: kind must be/,
    ],
    [
      'classes that are not those of its id',
      (json) => ({ ...json, featureSpace: { ...(json['featureSpace'] as object), classes: ['chat'] } }),
      /featureSpace\.id must be [0-9a-f]{16}, which is what this release makes of its classes and text, got [0-9a-f]{16}/,
    ],
  ]
  function edit(change: object) {
    return (json: Json) => ({
      ...json,
      sums: (json['sums'] as object[]).map((entry, i) => (i === 1 ? { ...entry, ...change } : entry)),
    })
  }
  for (const [what, spoil, words] of wrongs) {
    test(`with ${what} is refused, with the path`, () => {
      const json = JSON.parse(writePolicyFile(made())) as Json
      assert.throws(
        () => readPolicyFile(spoil(json)),
        (error) => {
          assert.ok(error instanceof EngineError && error.code === 'engine_bad_policy_file')
          assert.match(error.message, words)
          return true
        },
      )
    })
  }

  test('arms of a file need not be registered', () => {
    const file = made()
    const target = router([])
    target.startFrom(priorSumsOf(file, target.featureSpace))
    target.replaceArms([...router().arms.values()])
    const known = file.sums.find(({ head }) => head === 'quality')!.arm as ArmId
    assert.ok(decide(target, { candidates: [known] }).estimates[0]!.quality.sd < 0.4)
  })
})
