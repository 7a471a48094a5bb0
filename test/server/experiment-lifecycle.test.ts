import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ExperimentDefinition } from '../../server/experiments/definition.ts'
import {
  type ExperimentState,
  newExperiment,
  openVariants,
  planOf,
  type Step,
  StepRefused,
  take,
  unitSalt,
} from '../../server/experiments/lifecycle.ts'
import { hasChangedShares } from '../../server/experiments/readout.ts'
import { definition } from '../helpers/experiment.ts'

const walk = (state: ExperimentState, ...steps: readonly Step[]) =>
  steps.reduce((at, step, index) => take(at, step, 1_000 + index), state)
const stop: Step = { action: 'stopped', conclusion: { atMs: 5, kind: 'stopped', reason: '' } }
const changed = (changes: Partial<ExperimentDefinition>): Step => ({
  action: 'changed',
  definition: definition(changes),
})

suite('the life of an experiment', () => {
  test('draft, running, paused, running, stopped, run again', () => {
    const steps = ['started', 'paused', 'resumed'] as const
    const state = walk(newExperiment(definition()), ...steps.map((action) => ({ action })), stop)
    assert.equal(state.status, 'stopped')
    assert.equal(state.startedMs, 1_000)
    const again = walk(state, { action: 'rerun' })
    assert.deepEqual([again.status, again.run, again.periods, again.conclusion], ['draft', 1, [], undefined])
    assert.notEqual(unitSalt(again), unitSalt(state))
    assert.equal(planOf(again).bucketVersion, 1)
  })

  test('steps that do not fit say what would', () => {
    const draft = newExperiment(definition())
    for (const [state, step] of [
      [draft, { action: 'paused' }],
      [walk(draft, { action: 'started' }), { action: 'started' }],
      [walk(draft, { action: 'started' }), { action: 'archived' }],
      [draft, { action: 'promoted' }],
      [walk(draft, { action: 'archived' }), { action: 'resumed' }],
    ] as const) {
      assert.throws(() => take(state, step, 0), StepRefused)
    }
    assert.throws(() => take(draft, { action: 'paused' }, 0), /is draft; it has to be running/)
  })

  test('a stopped variant takes nobody any more, and moves nobody', () => {
    const running = walk(newExperiment(definition()), { action: 'started' })
    const state = walk(running, { action: 'variant_stopped', variant: 'b', reason: 'harm' })
    assert.deepEqual(openVariants(state), ['control', 'a'])
    assert.deepEqual(state.allocation[0], running.allocation[0])
    assert.deepEqual(state.allocation[1], running.allocation[1])
    assert.deepEqual(state.allocation[2], [])
    assert.deepEqual(
      state.periods.map(({ weights }) => weights.map((weight) => Number(weight.toFixed(6)))),
      [
        [0.5, 0.25, 0.25],
        [0.666667, 0.333333, 0],
      ],
    )
    assert.equal(hasChangedShares(state), false, 'those that are left have the same ratio as before')
    assert.throws(
      () => walk(state, { action: 'variant_stopped', variant: 'b', reason: '' }),
      /stopped already/,
    )
    assert.throws(
      () => walk(state, { action: 'variant_stopped', variant: 'control', reason: '' }),
      /can be stopped/,
    )
  })

  test('while it runs only who takes part, the weights and the length can change', () => {
    const running = walk(newExperiment(definition({ coverage: 0.2 })), { action: 'started' })
    const wider = walk(running, changed({ coverage: 0.5, maxDays: 7 }))
    assert.equal(wider.definition.coverage, 0.5)
    assert.equal(wider.periods.length, 1)
    assert.throws(() => walk(wider, changed({ coverage: 0.1, maxDays: 7 })), /can only grow/)
    const HOUR_MS = 3_600_000
    const ramp = [
      { afterMs: 0, coverage: 0.2 },
      { afterMs: HOUR_MS, coverage: 1 },
    ]
    const ramped = walk(running, changed({ coverage: 0.2, ramp }))
    assert.throws(
      () => walk(running, changed({ coverage: 0.2, ramp: [{ afterMs: 0, coverage: 0.1 }] })),
      /can only grow/,
    )
    assert.throws(() => walk(running, changed({ coverage: 0.2, ramp: ramp.slice(1) })), /can only grow/)
    const slower = changed({ coverage: 0.2, ramp: [ramp[0]!, { afterMs: 2 * HOUR_MS, coverage: 1 }] })
    assert.equal(take(ramped, slower, 1_000 + HOUR_MS / 2).definition.ramp[1]?.afterMs, 2 * HOUR_MS)
    assert.throws(
      () => take(ramped, slower, 1_000 + HOUR_MS),
      /can only grow/,
      'those who are in would be put out',
    )
    assert.equal(take(ramped, changed({ coverage: 1 }), 1_000 + HOUR_MS).definition.ramp.length, 0)
    assert.throws(() => walk(running, changed({ coverage: 0.2, alpha: 0.1 })), /only coverage, ramp, weights/)
    const variants = definition().variants.map((variant, index) => ({
      ...variant,
      weight: [0.2, 0.4, 0.4][index]!,
    }))
    const moved = walk(running, changed({ coverage: 0.2, variants }))
    assert.equal(moved.periods.length, 2)
    assert.equal(hasChangedShares(moved), true)
    const free = walk(newExperiment(definition()), changed({ alpha: 0.1, unit: 'tenant' }))
    assert.equal(free.definition.unit, 'tenant')
  })
})
