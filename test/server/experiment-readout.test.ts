import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ExperimentCell } from '../../adapters/index.ts'
import type { Readout } from '../../eval/index.ts'
import { renderExperimentPage, renderExperimentReport } from '../../eval/index.ts'
import { nextStep } from '../../server/experiments/conduct.ts'
import { type ExperimentState, take } from '../../server/experiments/lifecycle.ts'
import { type Measured, readOut } from '../../server/experiments/readout.ts'
import { cell, draws, metric, running } from '../helpers/experiment.ts'

const DAY_MS = 86_400_000
const NO_ERRORS = new Map<string, { failed: number; requests: number }>()

function measured(cells: readonly ExperimentCell[], changes: Partial<Measured> = {}): Measured {
  return { atMs: DAY_MS, cells, segments: [], quantiles: new Map(), caps: new Map(), ...changes }
}

/** 2,000 units of the control, 1,000 of either variant. */
function three(control: number, a: number, b: number): ExperimentCell[] {
  return [
    cell('control', [draws(2_000, control, 1)]),
    cell('a', [draws(1_000, a, 2)], { e: 0.25 }),
    cell('b', [draws(1_000, b, 3)], { e: 0.25 }),
  ]
}

const verdictOf = (readout: Readout, variant: string, name = 'quality') =>
  readout.comparisons.find((each) => each.variant === variant && each.metric === name)?.verdict

suite('a readout', () => {
  test('finds what is there, says of the rest that it is not shown', () => {
    const readout = readOut(running(), measured(three(0.5, 0.65, 0.5)))
    assert.deepEqual([verdictOf(readout, 'a'), verdictOf(readout, 'b')], ['better', 'no_difference_yet'])
    assert.deepEqual([readout.verdict.kind, readout.verdict.winner], ['winner', 'a'])
    assert.deepEqual(readout.alarms, [])
    const [a, b] = readout.comparisons
    assert.match(a!.says, /a is better/)
    assert.match(b!.says, /not proof that there is none/)
    assert.ok(a!.alwaysValid.lo < a!.fixed.lo, 'what holds at every look is wider than what holds at one')
  })

  test('is too early below a hundred units of a variant, however large the effect', () => {
    const cells = [
      cell('control', [draws(90, 0.1, 1)]),
      cell('a', [draws(45, 0.9, 2)]),
      cell('b', [draws(45, 0.1, 3)]),
    ]
    const readout = readOut(running(), measured(cells))
    assert.equal(verdictOf(readout, 'a'), 'too_few_units')
    assert.equal(readout.verdict.kind, 'too_early')
  })

  test('is blocked by a split that is not as planned', () => {
    const cells = three(0.5, 0.65, 0.5)
    const lost = [cells[0]!, cell('a', [draws(800, 0.65, 2)]), cells[2]!]
    const readout = readOut(running(), measured(lost))
    assert.equal(readout.verdict.kind, 'blocked')
    assert.deepEqual(
      readout.alarms.map(({ code }) => code),
      ['sample_ratio_mismatch'],
    )
  })

  test('tells of outcomes that are missing on one side, and of units given both', () => {
    const [control, a, b] = three(0.5, 0.5, 0.5)
    const silent = { ...a!, outcomes: 900 }
    const both = [100, 50, 50].map((count, index) =>
      cell(['control', 'a', 'b'][index]!, [draws(count, 0.5, 4)], { mixed: true }),
    )
    const readout = readOut(running(), measured([control!, silent, b!, ...both]))
    assert.deepEqual(readout.alarms.map(({ code }) => code).sort(), ['crossover', 'missing_outcomes'])
  })

  test('units that a change of weights moved count for the split where they were first', () => {
    const moved = take(running(), { action: 'reallocated', weights: [0.2, 0.4, 0.4] }, 1_000)
    const [control, a, b] = three(0.5, 0.5, 0.5)
    // Of the control's first 2,000 some came back to find themselves in another variant.
    const stayed = { ...control!, units: 1_700 }
    const back = cell('control', [draws(300, 0.5, 4)], { mixed: true })
    const later = [0.2, 0.4, 0.4].map((weight, index) =>
      cell(['control', 'a', 'b'][index]!, [draws(1_000 * weight, 0.5, 5 + index)], { period: 1 }),
    )
    const readout = readOut(moved, measured([stayed, back, a!, b!, ...later]))
    assert.deepEqual(
      readout.alarms.map(({ code }) => code),
      ['crossover'],
    )
  })

  test('a guardrail is harm beyond its margin only, and one-sided', () => {
    const metrics = [metric(), metric({ name: 'floor', role: 'guardrail', margin: 0.1 })]
    const twice = (cells: ExperimentCell[]) =>
      cells.map((each) => ({ ...each, sums: [each.sums[0]!, each.sums[0]!] }))
    const within = readOut(running({ metrics }), measured(twice(three(0.6, 0.57, 0.6))))
    assert.equal(verdictOf(within, 'a', 'floor'), 'no_difference_yet')
    const beyond = readOut(running({ metrics }), measured(twice(three(0.6, 0.35, 0.75))))
    assert.deepEqual(
      [verdictOf(beyond, 'a', 'floor'), verdictOf(beyond, 'b', 'floor')],
      ['harm', 'no_difference_yet'],
    )
  })

  test('secondary metrics are corrected for false discoveries', () => {
    const names = Array.from({ length: 12 }, (_, index) => `m${index}`)
    const metrics = [metric(), ...names.map((name) => metric({ name, role: 'secondary' }))]
    const variants = running()
      .definition.variants.slice(0, 2)
      .map((variant) => ({ ...variant, weight: 0.5 }))
    const values = (p: number, seed: number) =>
      names.map((_, index) => draws(1_500, index === 0 ? p : 0.5, seed + index))
    const cells = [
      cell('control', [draws(1_500, 0.5, 70), ...values(0.5, 100)]),
      cell('a', [draws(1_500, 0.5, 71), ...values(0.7, 200)]),
    ]
    const readout = readOut(running({ metrics, variants }), measured(cells))
    const secondary = readout.comparisons.filter(({ role }) => role === 'secondary')
    assert.equal(verdictOf(readout, 'a', 'm0'), 'better')
    assert.ok(secondary.every(({ adjustedPValue, alwaysValid }) => adjustedPValue >= alwaysValid.pValue))
  })

  test('weights units by the inverse of their probability where shares changed', () => {
    const moved = take(running(), { action: 'reallocated', weights: [0.2, 0.4, 0.4] }, 1_000)
    const world = (period: number, control: number, others: number, p: number) => [
      cell('control', [draws(control, p, 1 + period)], { period, e: period === 0 ? 0.5 : 0.2 }),
      cell('a', [draws(others, p, 3 + period)], { period, e: period === 0 ? 0.25 : 0.4 }),
      cell('b', [draws(others, p, 5 + period)], { period, e: period === 0 ? 0.25 : 0.4 }),
    ]
    // All variants are the same, and worse in the second period, when the control has fewer units.
    const readout = readOut(moved, measured([...world(0, 4_000, 2_000, 0.8), ...world(1, 1_600, 3_200, 0.3)]))
    const [a] = readout.comparisons
    assert.equal(a?.weighting, 'inverse_propensity')
    assert.equal(a?.verdict, 'no_difference_yet', a?.says)
    const naive = (4_000 * 0.8 + 1_600 * 0.3) / 5_600 - (2_000 * 0.8 + 3_200 * 0.3) / 5_200
    assert.ok(naive > 0.15, 'means as they stand would differ by a sixth')
    assert.ok(Math.abs(a!.difference) < 4 * a!.se * a!.control.value)
  })

  test('variants that are each all alike are not taken for the same', () => {
    const all = (value: number) => [new Array<number>(1_000).fill(value)]
    const why = (value: number) => {
      const cells = [cell('control', all(0)), cell('a', all(value), { e: 0.25 })]
      return readOut(running(), measured(cells)).missing.find(({ variant }) => variant === 'a')?.why
    }
    assert.equal(why(0), 'all values are the same')
    assert.match(why(1) ?? '', /all values of either variant are the same/)
  })

  test('a variant that nobody was given has no share of outcomes', () => {
    const [control, a] = three(0.5, 0.5, 0.5)
    const readout = readOut(running(), measured([control!, { ...a!, outcomes: 800 }]))
    const alarm = readout.alarms.find(({ code }) => code === 'missing_outcomes')
    assert.match(alarm?.message ?? '', /\(control 100\.0 %, a 80\.0 %\)/)
  })

  test('differences between segments are found', () => {
    const segments = [
      {
        by: 'class' as const,
        cells: ['chat', 'code'].flatMap((segment, at) =>
          three(0.5, at === 0 ? 0.35 : 0.65, 0.5).map((each) => ({ ...each, segment })),
        ),
      },
    ]
    const readout = readOut(running(), measured(three(0.5, 0.5, 0.5), { segments }))
    const [a, b] = readout.segments
    assert.ok(a!.heterogeneityPValue < 1e-6)
    assert.ok(b!.heterogeneityPValue > 0.01)
    assert.deepEqual(
      a!.segments.map(({ segment }) => segment),
      ['chat', 'code'],
    )
  })

  test('is written as text and as a page, with every comparison in it', () => {
    const readout = readOut(running(), measured(three(0.5, 0.65, 0.5)))
    // As it comes over the wire: what is not finite is null.
    const wire = JSON.parse(JSON.stringify(readout)) as Readout
    const text = renderExperimentReport(wire)
    assert.match(text, /a is better than the control/)
    const page = renderExperimentPage(wire)
    for (const { says } of readout.comparisons)
      assert.ok(page.includes(says.slice(0, 40).replaceAll("'", '&#39;')), says)
    assert.match(page, /default-src &#39;none&#39;/)
  })
})

suite('what an experiment does by itself', () => {
  const look = (
    state: ExperimentState,
    cells: readonly ExperimentCell[],
    atMs = DAY_MS,
    errors = NO_ERRORS,
  ) => {
    const readout = readOut(state, measured(cells, { atMs }))
    return nextStep(state, readout, errors, cells)?.step
  }
  const guarded = { metrics: [metric({ role: 'primary' }), metric({ name: 'floor', role: 'guardrail' })] }
  const twice = (cells: ExperimentCell[]) =>
    cells.map((each) => ({ ...each, sums: [each.sums[0]!, each.sums[0]!] }))

  test('nothing, as long as nothing is shown', () => {
    assert.equal(look(running(guarded), twice(three(0.5, 0.5, 0.5))), undefined)
  })

  test('stops the variant that harm is shown of, and ends when none is left', () => {
    const state = running(guarded)
    const step = look(state, twice(three(0.6, 0.4, 0.6)))
    assert.equal(step?.action, 'variant_stopped')
    assert.ok(step.action === 'variant_stopped' && step.variant === 'a')
    const next = take(state, step, DAY_MS)
    const last = look(next, twice(three(0.6, 0.4, 0.4)))
    assert.ok(last?.action === 'stopped' && last.conclusion.kind === 'harm')
  })

  test('stops a variant whose calls fail', () => {
    const errors = new Map([
      ['control', { failed: 20, requests: 1_000 }],
      ['a', { failed: 10, requests: 1_000 }],
      ['b', { failed: 90, requests: 100 }],
    ])
    const step = look(running(), three(0.5, 0.5, 0.5), DAY_MS, errors)
    assert.ok(step?.action === 'variant_stopped' && step.variant === 'b')
    // Everyone's calls fail: that is not the variant's doing.
    const all = new Map(['control', 'a', 'b'].map((key) => [key, { failed: 90, requests: 100 }]))
    assert.equal(look(running(), three(0.5, 0.5, 0.5), DAY_MS, all), undefined)
  })

  test('ends with a winner where that was asked for, or when its time is over', () => {
    const cells = three(0.5, 0.65, 0.5)
    assert.equal(look(running(), cells), undefined)
    const success = look(running({ stopOnSuccess: true }), cells)
    assert.ok(success?.action === 'stopped' && success.conclusion.winner === 'a')
    const late = look(running(), cells, 28 * DAY_MS)
    assert.ok(late?.action === 'stopped' && late.conclusion.kind === 'success')
    const expired = look(running(), three(0.5, 0.5, 0.5), 28 * DAY_MS)
    assert.ok(expired?.action === 'stopped' && expired.conclusion.kind === 'expired')
  })

  test('decides nothing on a split that is not as planned', () => {
    const cells = twice(three(0.6, 0.4, 0.6))
    const lost = [cells[0]!, cells[1]!, { ...cells[2]!, units: 700 }]
    assert.equal(look(running(guarded), lost), undefined)
  })

  test('moves weights alike whatever unit the metric is in', () => {
    // Of the better variant fewer units are known: a belief about 0 would draw the others there.
    const inUnit = (unit: number, shift: number) => (values: readonly number[]) => [
      values.map((value) => shift + unit * value),
    ]
    const cellsIn = (scaled: ReturnType<typeof inUnit>) => [
      cell('control', scaled(draws(400, 0.5, 1))),
      cell('a', scaled(draws(4_000, 0.48, 2)), { e: 0.25 }),
      cell('b', scaled(draws(400, 0.4, 3)), { e: 0.25 }),
    ]
    for (const allocation of ['top_two', 'track_and_stop'] as const) {
      const weightsIn = (unit: number, shift: number) => {
        const state = running({ allocation, alpha: 1e-12 })
        const cells = cellsIn(inUnit(unit, shift))
        const readout = {
          ...readOut(state, measured(cells)),
          verdict: { kind: 'undecided' as const, says: '' },
        }
        const step = nextStep(state, readout, NO_ERRORS, cells)?.step
        assert.ok(step?.action === 'reallocated')
        return step.weights
      }
      const shares = weightsIn(1, 0)
      for (const [unit, shift] of [
        [5_000, -6_000],
        [0.0002, -0.001],
      ] as const) {
        for (const [index, weight] of weightsIn(unit, shift).entries()) {
          assert.ok(Math.abs(weight - shares[index]!) < 1e-3, `${allocation}: ${weight} for ${shares[index]}`)
        }
      }
    }
  })

  test('moves weights to what is better, never below the least share', () => {
    for (const allocation of ['top_two', 'track_and_stop'] as const) {
      const state = running({ allocation, alpha: 1e-12, minShare: 0.1 })
      const step = look(state, three(0.5, 0.55, 0.4))
      assert.ok(step?.action === 'reallocated', allocation)
      assert.ok(Math.abs(step.weights.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-9)
      assert.ok(step.weights.every((weight) => weight >= 0.1 - 1e-9))
      assert.equal(step.weights.indexOf(Math.min(...step.weights)), 2, 'the worst gets the least')
    }
    const certain = look(running({ allocation: 'track_and_stop' }), three(0.5, 0.75, 0.4))
    assert.ok(certain?.action === 'stopped' && certain.conclusion.winner === 'a')
  })
})
