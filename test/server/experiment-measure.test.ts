import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ShareBelow } from '../../adapters/index.ts'
import { type ExperimentReader, measure } from '../../server/experiments/measure.ts'
import { readOut } from '../../server/experiments/readout.ts'
import { metric, running } from '../helpers/experiment.ts'

test('a quantile of a single unit is too few, and the store is asked for no level that is no number', async () => {
  const asked: number[] = []
  const one = (variant: string): ShareBelow => {
    return { variant, units: 1, below: 1, belowSquares: 1, values: 1, valueSquares: 1, products: 1 }
  }
  const store: ExperimentReader = {
    experimentCells: async () => [],
    experimentShares: async ({ thresholds }) => [...thresholds.keys()].map(one),
    experimentQuantiles: async ({ levels }) => {
      asked.push(...[...levels.values()].flat())
      return new Map([...levels].map(([key, of]) => [key, of.map(() => 120)]))
    },
  }
  const p95 = metric({
    name: 'ttft_ms_p95',
    measure: 'ttft_ms',
    statistic: 'p95',
    better: 'lower',
    role: 'secondary',
  })
  const state = running({ metrics: [metric(), p95] })
  const measured = await measure(store, state, 60_000, false)
  assert.ok(asked.every(Number.isFinite), `${asked}`)
  const { why } = readOut(state, measured).missing.find((each) => each.metric === p95.name) ?? {}
  assert.equal(why, 'fewer than two units of a variant have a value')
})
