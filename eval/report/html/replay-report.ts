/** A replay as one HTML file. */
import type { BaselineFigures, ReplayResult, RouterFigures } from '../../replay/types.ts'
import { titleOf } from '../baseline-titles.ts'
import { formatDifference, formatInterval, formatNumber } from '../format.ts'
import { renderBanner } from './banner.ts'
import { type Insert, markup } from './markup.ts'
import { renderFacts, renderPage } from './page.ts'
import { type PlotSeries, renderPlot } from './plot.ts'
import { renderTable } from './table.ts'

const REQUESTS_PER_COST = 1_000
const TONES = { policy: 0, zeroRouter: 1, categoryMean: 2, oracle: 4 } as const

/**
 * @param command what makes the report again, for its foot
 * @returns the document
 */
export function renderReplayReport(result: ReplayResult, command?: string): string {
  const { dataset, split, mode, policy, verdict, n, arms, seeds, method, training } = result
  const title = `${policy.name} on ${dataset}`
  return renderPage({
    title,
    lead: `Replay, ${mode}, on ${n} rows of split ${split}: every arm’s outcome on every row is known.`,
    banner: renderBanner(verdict.significant ? 'good' : 'warn', verdict.text),
    sections: [
      { id: 'baselines', title: 'Beside the baselines', body: baselinesTable(result) },
      { id: 'cost-quality', title: 'Cost and quality', body: costQuality(result) },
      {
        id: 'method',
        title: 'Method',
        body: renderFacts([
          ['rows × arms', `${n} × ${arms.length}`],
          ['seeds', seeds],
          ['learning', training],
          ['intervals', method],
          ...(command === undefined ? [] : [['command', markup`<code>${command}</code>`] as const]),
        ]),
      },
    ],
  })
}

function baselinesTable({ policy, baselines }: ReplayResult): Insert {
  const rows = Object.entries(baselines).map(([name, figures]) => ({
    cells: [titleOf(name), ...figureCells(figures), formatInterval(figures.policyGain, formatDifference)],
  }))
  return renderTable(
    'Reward, cost per 1,000 requests, and area under the cost–quality curve, with 95 % intervals',
    ['router', 'reward', '$/1k', 'AIQ', 'gain of the policy'].map((name, i) => ({
      title: name,
      numeric: i > 0,
    })),
    [{ cells: [policy.name, ...figureCells(policy), ''], main: true }, ...rows],
  )
}

function figureCells({ reward, costUsd, aiq }: RouterFigures | BaselineFigures): string[] {
  return [
    formatInterval(reward),
    formatNumber(costUsd.mean * REQUESTS_PER_COST),
    aiq === undefined ? '' : formatInterval(aiq),
  ]
}

function costQuality({ curves, policy }: ReplayResult): Insert {
  const series = Object.entries(curves).map(
    ([name, points]): PlotSeries => ({
      name: name === 'policy' ? policy.name : titleOf(name),
      mark: 'line',
      tone: TONES[name as keyof typeof TONES] ?? 3,
      points: points.map(({ costUsd, quality }) => ({ x: costUsd * REQUESTS_PER_COST, y: quality })),
    }),
  )
  return renderPlot({
    id: 'plot-cost-quality',
    title: 'Quality against cost',
    description: 'What each router reaches at each mean cost: the upper hull of its points.',
    x: { label: 'USD per 1,000 requests', scale: 'log', format: (usd) => `$${Number(usd.toPrecision(3))}` },
    y: { label: 'mean quality', format: formatNumber },
    series,
  })
}
