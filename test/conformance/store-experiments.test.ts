/** What every Store promises of experiments, on the embedded engine and over HTTP: steps that count once, and sums as by hand. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  type AssignmentRow,
  type ExperimentCell,
  type ExperimentQuery,
  type MeasureSums,
  openStore,
  type Store,
  type StoreLocation,
} from '../../adapters/index.ts'
import { sha256Hex } from '../../engine/hash.ts'
import { newExperiment, take } from '../../server/experiments/lifecycle.ts'
import { measure } from '../../server/experiments/measure.ts'
import { readOut } from '../../server/experiments/readout.ts'
import { definition, metric } from '../helpers/experiment.ts'
import { embeddedPlace, type Place, remotePlace } from '../helpers/store-places.ts'
import { attemptRow, decisionId, decisionRow, rewardRow, START_MS } from '../helpers/store-rows.ts'

const SPAN = { experiment: 'checkout', run: 1, fromMs: START_MS, toMs: START_MS + 60_000 }
const RATES = { perUsd: 2, perSecond: 0.01, perFailure: 0.5 }
const MEASURES = [
  { measure: 'quality' },
  { measure: 'reward', reward: 'thumbs' },
  { measure: 'utility', rates: RATES },
  { measure: 'cost_usd', cap: 0.03 },
  { measure: 'ttft_ms' },
  { measure: 'total_ms' },
  { measure: 'error_rate' },
  { measure: 'refusal_rate' },
] as const

/** One decision of a unit, as the test tells it. */
interface Exposure {
  readonly unit: string
  readonly variant: string
  readonly isFirst: boolean
  readonly status: 'answered' | 'failed' | 'cancelled'
  readonly costUsd: number
  readonly ttftMs: number | undefined
  readonly totalMs: number
  readonly finish: string
  readonly quality: number | undefined
  readonly thumbs: number | undefined
  readonly requestClass: string
}

const EXPOSURES: readonly Exposure[] = Array.from({ length: 120 }, (_, index) => {
  const unit = index % 17
  // Unit 16 is given both.
  const variant = (unit === 16 ? index % 2 : unit % 2) === 0 ? 'control' : 'dear'
  const status = index % 11 === 0 ? 'failed' : index % 13 === 0 ? 'cancelled' : 'answered'
  return {
    unit: `unit-${unit}`,
    variant,
    isFirst: index % 7 !== 0,
    status,
    costUsd: 0.01 + (index % 5) * 0.01,
    ttftMs: index % 3 === 0 ? 100 + index : undefined,
    totalMs: 1_000 + 10 * index,
    finish: index % 19 === 0 ? 'content_filter' : 'stop',
    quality: index % 4 === 0 ? (index % 10) / 10 : undefined,
    thumbs: index % 6 === 0 ? (index % 12 === 0 ? 1 : 0) : undefined,
    requestClass: index % 2 === 0 ? 'code' : 'chat',
  }
})

/** y and d of one exposure, measure by measure. */
function valuesOf(each: Exposure): readonly (readonly [number, number])[] {
  const { status, costUsd, totalMs, quality, thumbs, ttftMs } = each
  const answered = status === 'answered'
  const failed = status === 'failed' ? 1 : 0
  const first = each.isFirst ? 1 : 0
  const rated = quality === undefined ? 0 : 1
  const worth =
    (quality ?? 0) -
    RATES.perUsd * costUsd -
    (RATES.perSecond * (answered ? totalMs : 0)) / 1_000 -
    RATES.perFailure * failed
  return [
    [quality ?? 0, rated],
    [thumbs ?? 0, thumbs === undefined ? 0 : 1],
    [rated * worth, rated],
    [Math.min(costUsd, 0.03), first],
    [answered ? (ttftMs ?? 0) : 0, answered && ttftMs !== undefined ? 1 : 0],
    [answered ? totalMs : 0, answered ? 1 : 0],
    [failed, first],
    [answered && each.finish === 'content_filter' ? 1 : 0, answered ? 1 : 0],
  ]
}

const NOTHING = {
  n: 0,
  y: 0,
  yy: 0,
  d: 0,
  dd: 0,
  yd: 0,
  x: 0,
  xx: 0,
  yx: 0,
  dx: 0,
  w: 0,
  ww: 0,
  wv: 0,
  wwv: 0,
  wwvv: 0,
}

/** The sums of some units, by hand. */
function sumsOf(
  units: readonly (readonly Exposure[])[],
  at: number,
  e: number,
  x = (_: readonly Exposure[]) => 0,
): MeasureSums {
  const sums = { ...NOTHING }
  for (const exposures of units) {
    const pairs = exposures.map((each) => valuesOf(each)[at]!)
    const y = pairs.reduce((sum, [value]) => sum + value, 0)
    const d = pairs.reduce((sum, [, weight]) => sum + weight, 0)
    if (d === 0) continue
    const [v, own] = [y / d, x(exposures)]
    const terms = {
      n: 1,
      y,
      yy: y * y,
      d,
      dd: d * d,
      yd: y * d,
      x: own,
      xx: own * own,
      yx: y * own,
      dx: d * own,
      w: 1 / e,
      ww: 1 / e ** 2,
      wv: v / e,
      wwv: v / e ** 2,
      wwvv: v ** 2 / e ** 2,
    }
    for (const key of Object.keys(terms) as (keyof typeof terms)[]) sums[key] += terms[key]
  }
  return sums
}

function assertSums(actual: MeasureSums | undefined, expected: MeasureSums, at: string) {
  for (const [name, value] of Object.entries(expected)) {
    const found = actual?.[name as keyof MeasureSums] ?? Number.NaN
    assert.ok(
      Math.abs(found - value) <= 1e-9 * Math.max(1, Math.abs(value)),
      `${at} ${name}: ${found}, by hand ${value}`,
    )
  }
}

const unitsOf = (exposures: readonly Exposure[]) => [...Map.groupBy(exposures, ({ unit }) => unit).values()]
const idOf = (unit: string) => sha256Hex(`salt:${unit}`).slice(0, 16)

for (const makePlace of [embeddedPlace, remotePlace]) {
  describe(`experiments in the ${makePlace.name.replace('Place', ' store')}`, () => {
    let place: Place
    /** Has all of EXPOSURES, and is only read from. */
    let store: Store

    const openFresh = async (location: StoreLocation) =>
      await openStore({ ...location, replica: 'replica-1' })
    before(async () => {
      place = await makePlace()
      store = await openFresh(await place.fresh())
      await fill()
    })
    after(async () => {
      await store.close()
      await place.end()
    })

    async function fill() {
      for (const [index, each] of EXPOSURES.entries()) {
        // Units are tenants, so that what they did before can be found.
        const row = decisionRow(
          { tenant: each.unit, session: '' },
          { atMs: START_MS + index, id: decisionId(START_MS + index), requestClass: each.requestClass },
        )
        const { id } = row.decision
        store.appendDecision(row)
        const assignment: AssignmentRow = {
          decisionId: id,
          experiment: 'checkout',
          run: 1,
          period: 0,
          variant: each.variant,
          unit: idOf(each.unit),
          isFirst: each.isFirst,
          probability: 0.25,
          tenant: each.unit,
          requestClass: each.requestClass,
          promptTokens: 10 + index,
        }
        store.appendAssignment(assignment)
        store.appendAttempt(
          attemptRow({
            decisionId: id,
            status: each.status,
            costUsd: each.costUsd,
            ttftMs: each.ttftMs,
            totalMs: each.totalMs,
            finishReason: each.finish,
          }),
        )
        if (each.quality !== undefined) {
          await store.writeReward(rewardRow({ decisionId: id, metric: 'taken back', quality: 0.99 }), [])
          await store.writeReward(
            rewardRow({
              decisionId: id,
              metric: 'quality',
              atMs: START_MS + 99_000,
              position: 1,
              quality: each.quality,
            }),
            [],
          )
        }
        if (each.thumbs !== undefined) {
          await store.writeReward(
            rewardRow({ decisionId: id, metric: 'thumbs', valueNumber: each.thumbs }),
            [],
          )
        }
      }
      // Of another run, another experiment, and of before: none of it counts.
      const other = decisionRow({}, { atMs: START_MS + 500, id: decisionId(START_MS + 500) })
      store.appendDecision(other)
      for (const change of [{ run: 0 }, { experiment: 'else' }]) {
        store.appendAssignment({
          decisionId: other.decision.id,
          experiment: 'checkout',
          run: 1,
          period: 0,
          variant: 'control',
          unit: idOf('another'),
          isFirst: true,
          probability: 0.5,
          tenant: 'another',
          requestClass: 'code',
          promptTokens: 1,
          ...change,
        })
      }
      await store.flush()
    }
    const cellOf = (cells: readonly ExperimentCell[], variant: string, segment = '') =>
      cells.find((cell) => cell.variant === variant && cell.segment === segment && !cell.mixed)

    test('sums by variant are those by hand, and units given both variants stand apart', async () => {
      const query: ExperimentQuery = { ...SPAN, measures: MEASURES, weighted: true }
      const cells = await store.experimentCells(query)
      const clean = EXPOSURES.filter(({ unit }) => unit !== 'unit-16')
      for (const variant of ['control', 'dear']) {
        const own = clean.filter((each) => each.variant === variant)
        const cell = cellOf(cells, variant)
        assert.equal(cell?.units, 8)
        assert.equal(cell?.exposures, own.length)
        assert.equal(cell?.requests, own.filter(({ isFirst }) => isFirst).length)
        assert.equal(cell?.outcomes, own.filter(({ status }) => status !== 'cancelled').length)
        MEASURES.forEach((measure, at) => {
          assertSums(cell?.sums[at], sumsOf(unitsOf(own), at, 0.25), `${variant} ${measure.measure}`)
        })
      }
      assert.deepEqual(
        cells
          .filter(({ mixed }) => mixed)
          .map(({ variant, units, exposures }) => [variant, units, exposures]),
        // Under the variant that it was given first.
        [['control', 1, EXPOSURES.length - clean.length]],
      )

      const byClass = await store.experimentCells({ ...query, segment: 'class' })
      const own = clean.filter((each) => each.variant === 'dear' && each.requestClass === 'code')
      assertSums(cellOf(byClass, 'dear', 'code')?.sums[5], sumsOf(unitsOf(own), 5, 0.25), 'by class')
      assert.deepEqual([...new Set(byClass.map(({ segment }) => segment))].sort(), ['chat', 'code'])
    })

    test('covariates are of the prompt, or of the time before the start', async () => {
      const midway = START_MS + 60
      const measures = [{ measure: 'total_ms' }, { measure: 'cost_usd', cap: 0.03 }] as const
      const indexes = new Map(EXPOSURES.map((each, index) => [each, index]))
      const later = EXPOSURES.filter((each) => indexes.get(each)! >= 60 && each.unit !== 'unit-16')
      const dear = unitsOf(later.filter(({ variant }) => variant === 'dear'))
      const logLength = (unit: readonly Exposure[]) =>
        unit.reduce((sum, each) => sum + Math.log1p(10 + indexes.get(each)!), 0) / unit.length
      const span = { ...SPAN, fromMs: midway, measures, weighted: true }
      const byPrompt = await store.experimentCells({ ...span, covariate: { kind: 'prompt' } })
      assertSums(cellOf(byPrompt, 'dear')?.sums[0], sumsOf(dear, 5, 0.25, logLength), 'prompt')

      const before = Map.groupBy(
        EXPOSURES.filter((each) => indexes.get(each)! < 60 && each.status === 'answered'),
        ({ unit }) => unit,
      )
      const earlier = (unit: readonly Exposure[]) => {
        const own = before.get(unit[0]!.unit) ?? []
        return own.length === 0 ? 0 : own.reduce((sum, { totalMs }) => sum + totalMs, 0) / own.length
      }
      const covariate = { kind: 'before', unit: 'tenant', salt: 'salt', fromMs: START_MS } as const
      const byBefore = await store.experimentCells({ ...span, covariate })
      assertSums(cellOf(byBefore, 'dear')?.sums[0], sumsOf(dear, 5, 0.25, earlier), 'before')
    })

    test('quantiles and how values below them spread', async () => {
      const levels = new Map([
        ['control', [0.5, 0.95]],
        ['dear', [0, 1]],
      ])
      const span = { ...SPAN, measure: 'total_ms' } as const
      const found = await store.experimentQuantiles({ ...span, levels })
      const answered = (variant: string) =>
        EXPOSURES.filter((each) => each.variant === variant && each.status === 'answered')
          .map(({ totalMs }) => totalMs)
          .sort((a, b) => a - b)
      const own = answered('control')
      assert.equal(found.get('control')?.[0], own[Math.floor(own.length / 2)])
      assert.deepEqual(found.get('dear'), [answered('dear')[0], answered('dear').at(-1)])
      const shares = await store.experimentShares({ ...span, thresholds: new Map([['dear', 1_500]]) })
      const dear = shares.find(({ variant }) => variant === 'dear')
      const counted = EXPOSURES.filter(
        (each) => each.variant === 'dear' && each.status === 'answered' && each.unit !== 'unit-16',
      )
      assert.equal(dear?.values, counted.length)
      assert.equal(dear?.below, counted.filter(({ totalMs }) => totalMs <= 1_500).length)
    })

    test('the log as it would be for an experiment: by unit, of some classes and tenants', async () => {
      const tenants = Array.from({ length: 10 }, (_, index) => `unit-${index}`)
      const query = {
        fromMs: SPAN.fromMs,
        toMs: SPAN.toMs,
        measures: [MEASURES[5]!],
        tenants,
        classes: ['chat'],
      }
      const own = EXPOSURES.filter(
        ({ unit, requestClass }) => tenants.includes(unit) && requestClass === 'chat',
      )
      const cell = await store.populationCell({ ...query, unit: 'tenant' })
      assert.equal(cell?.units, new Set(own.map(({ unit }) => unit)).size)
      const { n, y, yy, d, dd, yd } = sumsOf(unitsOf(own), 5, 1)
      assertSums(cell?.sums[0], { ...NOTHING, n, y, yy, d, dd, yd }, 'by tenant')
      assert.equal(cell?.firstMs, START_MS + EXPOSURES.indexOf(own[0]!))
      // None of them names a user, so that there is no such unit.
      assert.equal(await store.populationCell({ ...query, unit: 'user' }), undefined)
    })

    test('a readout has means, quantiles, capped values and segments of what is stored', async () => {
      const variants = ['control', 'dear'].map((key) => ({
        key,
        weight: 0.5,
        policy: { kind: 'current' as const },
      }))
      const metrics = [
        metric(),
        metric({ name: 'median', measure: 'total_ms', statistic: 'p50', better: 'lower', role: 'secondary' }),
        metric({ name: 'cost', measure: 'cost_usd', better: 'lower', role: 'secondary', winsorizeAt: 0.6 }),
      ]
      const created = newExperiment(definition({ variants, metrics, unit: 'tenant' }))
      const rerun = { ...take(created, { action: 'started' }, START_MS), run: 1 }
      const readout = readOut(rerun, await measure(store, rerun, START_MS + 1_000, true))
      const of = (name: string) => readout.comparisons.find((each) => each.metric === name)
      const totals = EXPOSURES.filter(({ variant, status }) => variant === 'control' && status === 'answered')
        .map(({ totalMs }) => totalMs)
        .sort((x, y) => x - y)
      assert.equal(of('median')?.control.value, totals[Math.floor(totals.length / 2)])
      assert.ok((of('median')?.se ?? 0) > 0)
      const quantiles = ['control', 'dear'].map((key) => {
        const own = EXPOSURES.filter(({ variant, isFirst }) => variant === key && isFirst)
        const costs = own.map(({ costUsd }) => costUsd).sort((x, y) => x - y)
        return costs[Math.floor(0.6 * costs.length)]!
      })
      assert.equal(of('cost')?.cappedAt, Math.max(...quantiles))
      assert.equal(of('quality')?.verdict, 'too_few_units')
      assert.deepEqual(
        readout.variants.map(({ units }) => units),
        [8, 8],
      )
      assert.deepEqual(readout.missing, [])
    })

    test('of two steps with one number the first counts, and the newest is the state', async () => {
      const location = await place.fresh()
      let store = await openFresh(location)
      const step = (number: number, id: string, atMs: number) => ({
        id,
        atMs,
        experiment: 'checkout',
        step: number,
        action: number === 0 ? 'created' : 'started',
        actor: 'ann',
        reason: '',
        state: { number, id },
      })
      assert.equal(await store.appendExperimentStep(step(0, 'a', START_MS)), true)
      assert.equal(await store.appendExperimentStep(step(1, 'b', START_MS + 5)), true)
      assert.equal(await store.appendExperimentStep(step(1, 'c', START_MS + 9)), false)
      await store.appendExperimentStep({ ...step(0, 'd', START_MS), experiment: 'another' })
      await store.close()
      store = await openStore({ ...location, replica: 'replica-2' })
      const steps = await store.readExperimentSteps({ experiment: 'checkout' })
      assert.deepEqual(steps, [step(0, 'a', START_MS), step(1, 'b', START_MS + 5)])
      const newest = await store.readExperiments()
      assert.deepEqual(
        newest.map(({ experiment, id }) => [experiment, id]),
        [
          ['another', 'd'],
          ['checkout', 'b'],
        ],
      )
      await store.close()
    })
  })
}
