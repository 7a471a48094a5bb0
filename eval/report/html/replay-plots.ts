/** The plots of a replay. */
import { type CurvePoint, hullQuality } from '../../curve.ts'
import type { PlanePoint } from '../../replay/breakdown.ts'
import type { CalibrationBin } from '../../replay/calibration.ts'
import type { RegretPoint } from '../../replay/regret-path.ts'
import type { ReplayResult } from '../../replay/types.ts'
import { titleOf } from '../baseline-titles.ts'
import { formatNumber } from '../format.ts'
import type { Insert, Markup } from './markup.ts'
import { type PlotPoint, type PlotSeries, renderPlot } from './plot.ts'

const REQUESTS_PER_COST = 1_000
/** Steps between two corners of a hull: mixing is straight in cost, and bent on a logarithmic axis. */
const STEPS_OF_A_MIXTURE = 12
const TONES: Readonly<Record<string, number>> = {
  policy: 0,
  zeroRouter: 1,
  categoryMean: 2,
  knn: 3,
  oracle: 4,
  ridge: 6,
  classHindsight: 2,
  bestSingle: 3,
}
const ARM_TONE = 5

/** All there is, and once more without what lies far from the hulls. */
export function costQualityPlots(result: ReplayResult): Insert {
  const { curves, points, policy } = result
  const lineOf = ([name, hull]: [string, readonly CurvePoint[]]): PlotSeries => ({
    name: name === 'policy' ? `${policy.name}, hull` : titleOf(name),
    mark: 'line',
    tone: TONES[name] ?? 7,
    points: alongHull(hull),
  })
  const hulls = Object.entries(curves)
  const arms: PlotSeries = {
    name: 'arms alone',
    mark: 'dots',
    tone: ARM_TONE,
    points: Object.entries(points.singles).map(([arm, point]) => ({
      ...plotted(point),
      label: shortName(arm),
    })),
  }
  const own: PlotSeries = {
    name: policy.name,
    mark: 'dots',
    tone: TONES['policy']!,
    points: points.policy.map(plotted),
  }
  const near = hulls.filter(([name]) => name !== 'oracle')
  const qualities = near.flatMap(([, hull]) => hull.map(({ quality }) => quality))
  const lowest = Math.min(...(curves['zeroRouter'] ?? []).map(({ quality }) => quality))
  const room = 0.1 * (Math.max(...qualities) - lowest)
  const plot = {
    x: {
      label: 'USD per 1,000 requests',
      scale: hasFreeArm(points.singles) ? 'linear' : 'log',
      format: formatUsd,
    },
    y: { label: 'mean quality', format: (quality: number) => String(Number(quality.toFixed(4))) },
  } as const
  return [
    renderPlot({
      ...plot,
      id: 'plot-cost-quality',
      title: 'Quality against cost',
      description: `Every arm alone, the hulls of the routers, and ${policy.name}${curves['policy'] === undefined ? '' : ' at the exchange rates that were computed'}. Bars are 95 % intervals over rows of each point by itself; whether one router is better than another is told by the paired intervals of the table.`,
      series: [...hulls.map(lineOf), arms, own],
    }),
    room > 0 &&
      renderPlot({
        ...plot,
        y: { ...plot.y, domain: [lowest - room, Math.max(...qualities) + room] },
        id: 'plot-hulls',
        title: 'Quality against cost, from the cheapest corner of the zero router up',
        description: 'The same without the oracle and without intervals.',
        series: [...near.map(lineOf), { ...own, points: own.points.map(({ x, y }) => ({ x, y })) }],
      }),
  ]
}

export function regretPlot(path: readonly RegretPoint[]): Markup {
  const names = Object.keys(path[0]?.cumulative ?? {}) as (keyof RegretPoint['cumulative'])[]
  return renderPlot({
    id: 'plot-regret',
    title: 'Regret along the stream',
    description:
      'Reward of a baseline less that of the policy, summed from the first request on; bands are 95 % Student intervals over seeds. A line that bends towards the flat is a policy that has learnt; a falling one is ahead of the baseline.',
    x: { label: 'requests', format: (step) => String(Math.round(step)) },
    y: {
      label: 'reward given up, in all',
      format: (value) => String(Number(value.toPrecision(4))).replace('-', '−'),
    },
    references: [0],
    series: names.map((name) => ({
      name: `against ${titleOf(name)}`,
      mark: 'line',
      tone: TONES[name] ?? 7,
      band: true,
      points: path.flatMap(({ step, cumulative }) => {
        const value = cumulative[name]
        return value === undefined ? [] : [{ x: step + 1, y: value.mean, lo: value.lo, hi: value.hi }]
      }),
    })),
  })
}

export function calibrationPlot(bins: readonly CalibrationBin[], mode: ReplayResult['mode']): Markup {
  const ends = [bins[0]!.expected, bins.at(-1)!.expected]
  return renderPlot({
    id: 'plot-calibration',
    title: 'Expected and seen quality',
    description: `Tenths of ${mode === 'online' ? 'the drawn arms’ answers' : 'all arms’ answers to all rows'} by the quality that was expected of them, beside what was seen, with 95 % intervals. On the dashed line it is what was expected.`,
    x: { label: 'expected quality', format: formatNumber },
    y: { label: 'seen quality', format: formatNumber },
    series: [
      { name: 'as expected', mark: 'line', tone: 1, points: ends.map((value) => ({ x: value, y: value })) },
      {
        name: 'seen',
        mark: 'line-dots',
        tone: 0,
        points: bins.map(({ expected, seen }) => ({ x: expected, y: seen.mean, lo: seen.lo, hi: seen.hi })),
      },
    ],
  })
}

function alongHull(hull: readonly CurvePoint[]): PlotPoint[] {
  return hull.flatMap((end, i) => {
    const start = hull[i - 1]
    if (start === undefined) return [{ x: end.costUsd * REQUESTS_PER_COST, y: end.quality }]
    return Array.from({ length: STEPS_OF_A_MIXTURE }, (_, step) => {
      const costUsd = start.costUsd + ((end.costUsd - start.costUsd) * (step + 1)) / STEPS_OF_A_MIXTURE
      return { x: costUsd * REQUESTS_PER_COST, y: hullQuality(hull, costUsd) }
    })
  })
}

function plotted({ costUsd, quality }: PlanePoint): PlotPoint {
  return { x: costUsd * REQUESTS_PER_COST, y: quality.mean, lo: quality.lo, hi: quality.hi }
}

function hasFreeArm(singles: ReplayResult['points']['singles']): boolean {
  return Object.values(singles).some(({ costUsd }) => !(costUsd > 0))
}

function formatUsd(usd: number): string {
  return `$${Number(usd.toPrecision(3))}`
}

/** `acme/large` → `large`. */
export function shortName(arm: string): string {
  return arm.slice(arm.lastIndexOf('/') + 1)
}
