/** How large and how long an experiment has to be, by what the log says of today's traffic. */
import type { Store } from '../../adapters/index.ts'
import { describe, planExperiment } from '../../eval/experiments/index.ts'
import type { Clock } from '../deps.ts'
import { serverError } from '../errors.ts'
import type { PowerBody, PowerReply } from '../routes/schemas/experiments.ts'
import { metricOf } from './declare.ts'

const DAY_MS = 86_400_000
/** Of a younger log nobody can say how many units come in a day. */
const SEEN_MS_MIN = 3_600_000

/** @throws {ServerError} 422 `invalid_experiment` where the log has nothing to go by */
export async function planByLog(
  store: Pick<Store, 'populationCell'>,
  clock: Clock,
  body: PowerBody,
): Promise<PowerReply> {
  const metric = metricOf(body.metric, 'metric')
  const toMs = clock.nowMs()
  const { unit, models, classes, tenants, days } = body
  const cell = await store.populationCell({
    unit,
    fromMs: toMs - days * DAY_MS,
    toMs,
    measures: [{ measure: metric.measure, reward: metric.reward, rates: metric.rates }],
    models,
    classes,
    tenants,
  })
  const [sums] = cell?.sums ?? []
  if (cell === undefined || sums === undefined || sums.n < 2 || sums.d === 0) {
    throw unplannable(
      `the log of the last ${days} days has too few units (${unit}s) with ${metric.name}; ask for more days, for another unit that requests have, or for a metric that is recorded`,
    )
  }
  const denominator = { sum: sums.d, sumSquares: sums.dd, products: sums.yd }
  const { mean, variance } = describe({ n: sums.n, sum: sums.y, sumSquares: sums.yy, denominator })
  // An effect is a share of the value, and its error comes from how units scatter: two units would do, of whatever effect.
  if (mean === 0 || !(variance > 0)) {
    throw unplannable(
      `${metric.name} is ${Number(mean.toPrecision(6))} ${variance > 0 ? 'on average over' : 'in each of'} ${sums.n} ${unit}s of the last ${days} days, so that no number of units follows from it; ask for more days, or for another metric`,
    )
  }
  // A log that is younger than was asked for has all of its units in the days that it has.
  const seenDays = Math.min(days, Math.max(toMs - cell.firstMs, SEEN_MS_MIN) / DAY_MS)
  const unitsPerDay = sums.n / seenDays
  const mde = body.mde * Math.abs(mean)
  const { alpha, variants, power } = body
  const options = { alpha, comparisons: variants - 1 }
  const fixed = planExperiment(mde, variance, variants, unitsPerDay, power, options)
  const always = { ...options, reading: 'always_valid', tunedFor: fixed.units } as const
  const alwaysValid = planExperiment(mde, variance, variants, unitsPerDay, power, always)
  if (!Number.isFinite(alwaysValid.units)) {
    throw serverError(
      'invalid_experiment',
      `mde: no number of units shows an effect of ${body.mde} of today’s value; ask for a larger one.`,
      { param: 'mde', shouldRetry: false },
    )
  }
  return {
    object: 'power',
    seen: {
      units: sums.n,
      days: seenDays,
      units_per_day: unitsPerDay,
      value: mean,
      sd: Math.sqrt(variance),
    },
    fixed: planReply(fixed),
    always_valid: planReply(alwaysValid),
  }
}

function unplannable(why: string): Error {
  return serverError('invalid_experiment', `metric: ${why}.`, { param: 'metric', shouldRetry: false })
}

function planReply({ unitsPerVariant, units, days }: ReturnType<typeof planExperiment>): PowerReply['fixed'] {
  return { units_per_variant: unitsPerVariant, units, days: days ?? null }
}
