/** An experiment by hand: its definition, and cells as the store would sum them. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import type { ExperimentCell, MeasureSums } from '../../adapters/index.ts'
import { type RandomGenerator, randomStream } from '../../eval/random.ts'
import type { ExperimentDefinition, ExperimentMetric } from '../../server/experiments/definition.ts'
import { type ExperimentState, newExperiment, take } from '../../server/experiments/lifecycle.ts'

export function metric(changes: Partial<ExperimentMetric> = {}): ExperimentMetric {
  return {
    name: 'quality',
    measure: 'quality',
    statistic: 'mean',
    better: 'higher',
    role: 'primary',
    margin: 0,
    ...changes,
  }
}

/** A control with half of the units, `a` and `b` with a quarter each. */
export function definition(changes: Partial<ExperimentDefinition> = {}): ExperimentDefinition {
  return {
    key: 'checkout',
    hypothesis: '',
    unit: 'request',
    variants: ['control', 'a', 'b'].map((key, index) => ({
      key,
      weight: index === 0 ? 0.5 : 0.25,
      policy: { kind: 'current' as const },
    })),
    targeting: {},
    coverage: 1,
    ramp: [],
    metrics: [metric()],
    alpha: 0.05,
    plannedUnits: 2_000,
    maxDays: 28,
    stopOnSuccess: false,
    allocation: 'fixed',
    minShare: 0.05,
    covariate: 'none',
    ...changes,
  }
}

export function running(changes: Partial<ExperimentDefinition> = {}): ExperimentState {
  return take(newExperiment(definition(changes)), { action: 'started' }, 0)
}

/** Sums of values of units that count once each; e is the probability that they had. */
export function sumsOf(values: readonly number[], e: number): MeasureSums {
  const n = values.length
  const y = values.reduce((sum, value) => sum + value, 0)
  const yy = values.reduce((sum, value) => sum + value * value, 0)
  return {
    n,
    y,
    yy,
    d: n,
    dd: n,
    yd: y,
    x: 0,
    xx: 0,
    yx: 0,
    dx: 0,
    w: n / e,
    ww: n / e ** 2,
    wv: y / e,
    wwv: y / e ** 2,
    wwvv: yy / e ** 2,
  }
}

/** One variant's cell, a list of values for each measure. */
export function cell(
  variant: string,
  measures: readonly (readonly number[])[],
  changes: Partial<ExperimentCell> & { readonly e?: number } = {},
): ExperimentCell {
  const { e = 0.5, ...rest } = changes
  const units = measures[0]?.length ?? 0
  return {
    variant,
    period: 0,
    segment: '',
    mixed: false,
    units,
    requests: units,
    exposures: units,
    outcomes: units,
    sums: measures.map((values) => sumsOf(values, e)),
    ...rest,
  }
}

/** So many values that are 1 with probability p and else 0. */
export function draws(count: number, p: number, seed: number): readonly number[] {
  const random: RandomGenerator = randomStream(`experiment ${p}`, seed)
  return Array.from({ length: count }, () => (uniformFloat64(random) < p ? 1 : 0))
}
