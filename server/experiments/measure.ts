/** Asks the store for what an experiment's readout is made of: sums, quantiles, segments. */
import type { ExperimentCell, ExposureSpan, MeasureQuery, Store } from '../../adapters/index.ts'
import {
  describe,
  designEffectOf,
  type QuantileStatistic,
  quantileEffect,
  quantileLevels,
} from '../../eval/experiments/index.ts'
import type { Estimated } from './compare.ts'
import { controlOf, type ExperimentMetric, primaryOf } from './definition.ts'
import { type ExperimentState, unitSalt } from './lifecycle.ts'
import { hasChangedShares, type Measured, meansOf } from './readout.ts'

const LEVELS = { p50: 0.5, p95: 0.95 } as const
/** How far back the time before an experiment goes, for the covariate `before`. */
const BEFORE_MS = 28 * 86_400_000

export type ExperimentReader = Pick<Store, 'experimentCells' | 'experimentQuantiles' | 'experimentShares'>

export interface FullMeasure extends Measured {
  /** Failed calls and requests by variant: of those the error rate is not always among the metrics. */
  readonly errors: ReadonlyMap<string, { readonly failed: number; readonly requests: number }>
}

/**
 * @param withSegments also the primary metric by class, tenant and day
 * @throws {StoreError} `store_unavailable`
 */
export async function measure(
  store: ExperimentReader,
  state: ExperimentState,
  atMs: number,
  withSegments: boolean,
): Promise<FullMeasure> {
  const { definition, run, startedMs = atMs } = state
  const span: ExposureSpan = { experiment: definition.key, run, fromMs: startedMs, toMs: atMs + 1 }
  const means = meansOf(definition)
  const caps = await capsOf(store, span, definition.metrics, state)
  const queries = means.map((metric) => queryOf(metric, caps.get(metric.name)))
  const cells = await store.experimentCells({
    ...span,
    measures: [...queries, { measure: 'error_rate' }],
    covariate: covariateOf(state, startedMs),
    weighted: definition.allocation !== 'fixed' || hasChangedShares(state),
  })
  const primary = primaryOf(definition)
  const segments =
    withSegments && primary.statistic === 'mean'
      ? await Promise.all(
          (['class', 'tenant', 'day'] as const).map(async (by) => ({
            by,
            cells: await store.experimentCells({
              ...span,
              measures: [queryOf(primary, caps.get(primary.name))],
              segment: by,
            }),
          })),
        )
      : []
  const quantiles = new Map<string, ReadonlyMap<string, Estimated>>()
  for (const metric of definition.metrics) {
    if (metric.statistic !== 'mean') quantiles.set(metric.name, await quantilesOf(store, span, state, metric))
  }
  return { atMs, cells, segments, quantiles, caps, errors: errorsOf(cells, queries.length) }
}

function queryOf({ measure: name, reward, rates }: ExperimentMetric, cap: number | undefined): MeasureQuery {
  return { measure: name, reward, rates, cap }
}

function covariateOf(state: ExperimentState, startedMs: number) {
  const { covariate, unit } = state.definition
  if (covariate === 'prompt') return { kind: 'prompt' } as const
  if (covariate === 'none' || unit === 'session' || unit === 'request') return undefined
  return { kind: 'before', unit, salt: unitSalt(state), fromMs: startedMs - BEFORE_MS } as const
}

function errorsOf(cells: readonly ExperimentCell[], at: number): FullMeasure['errors'] {
  const errors = new Map<string, { failed: number; requests: number }>()
  for (const { variant, sums, requests } of cells) {
    const before = errors.get(variant) ?? { failed: 0, requests: 0 }
    errors.set(variant, {
      failed: before.failed + (sums[at]?.y ?? 0),
      requests: before.requests + requests,
    })
  }
  return errors
}

/** Where values are cut off: the quantile of all variants' values, by their own counts. */
async function capsOf(
  store: ExperimentReader,
  span: ExposureSpan,
  metrics: readonly ExperimentMetric[],
  state: ExperimentState,
): Promise<ReadonlyMap<string, number>> {
  const caps = new Map<string, number>()
  for (const { name, measure: what, winsorizeAt } of metrics) {
    if (winsorizeAt === undefined || !isTimed(what)) continue
    const levels = new Map(state.definition.variants.map(({ key }) => [key, [winsorizeAt]]))
    const found = await store.experimentQuantiles({ ...span, measure: what, levels })
    // One limit for all variants, the highest: another for each would hide that one has the longer tail.
    const highest = Math.max(...[...found.values()].flatMap(([value]) => value ?? []).filter(Number.isFinite))
    if (Number.isFinite(highest)) caps.set(name, highest)
  }
  return caps
}

type Timed = 'ttft_ms' | 'total_ms' | 'cost_usd'
function isTimed(what: string): what is Timed {
  return what === 'ttft_ms' || what === 'total_ms' || what === 'cost_usd'
}

/** Order statistics at the level and one standard error about it, which takes into account that units have several values. */
async function quantilesOf(
  store: ExperimentReader,
  span: ExposureSpan,
  { definition }: ExperimentState,
  { measure: what, statistic }: ExperimentMetric,
): Promise<ReadonlyMap<string, Estimated>> {
  if (statistic === 'mean' || !isTimed(what)) return new Map()
  const level = LEVELS[statistic]
  const keys = definition.variants.map(({ key }) => key)
  const query = { ...span, measure: what }
  const first = await store.experimentQuantiles({
    ...query,
    levels: new Map(keys.map((key) => [key, [level]])),
  })
  const thresholds = new Map(
    [...first].flatMap(([key, [value]]) =>
      value !== undefined && Number.isFinite(value) ? [[key, value]] : [],
    ),
  )
  const spread = await store.experimentShares({ ...query, thresholds })
  const counts = new Map(
    spread.flatMap(({ variant, units, below, belowSquares, values, valueSquares, products }) => {
      // A single unit does not tell how units scatter.
      if (units < 2) return []
      const { variance } = describe({
        n: units,
        sum: below,
        sumSquares: belowSquares,
        denominator: { sum: values, sumSquares: valueSquares, products },
      })
      return [
        [variant, { n: values, designEffect: designEffectOf(variance / units, level, values) }] as const,
      ]
    }),
  )
  const levels = new Map(
    [...counts].map(([key, { n, designEffect }]) => {
      const { lower, upper } = quantileLevels(level, n, designEffect)
      return [key, [lower, level, upper]]
    }),
  )
  const found = await store.experimentQuantiles({ ...query, levels })
  const statistics = new Map(
    [...found].flatMap(([key, [lower, value, upper]]): [string, QuantileStatistic][] =>
      lower === undefined || value === undefined || upper === undefined
        ? []
        : [[key, { n: counts.get(key)?.n ?? 0, lower, value, upper }]],
    ),
  )
  const control = statistics.get(controlOf(definition).key)
  if (control === undefined) return new Map()
  return new Map(
    [...statistics].map(([key, treatment]) => [
      key,
      {
        control: { n: control.n, value: control.value },
        treatment: { n: treatment.n, value: treatment.value },
        relative: quantileEffect(control, treatment, 'relative'),
        absolute: quantileEffect(control, treatment, 'absolute'),
        weighting: 'none' as const,
      },
    ]),
  )
}
