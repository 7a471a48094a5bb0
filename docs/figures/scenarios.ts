/**
 * Draws docs/figures/scenario-*.svg: what a paced policy does when a price falls, an arm gets worse, an arm comes. Above,
 * its reward beside that of a run in whose world it had always been so, and of one in which nothing happened; in the
 * middle, which arms served; below, the price of cost and what was spent of the budget.
 *
 *     node docs/figures/scenarios.ts <folder of the paretobandit dataset> [seeds]      (default: 20)
 *
 * Prints the table of docs/budgets.md.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import { openDataset, openScenario } from '../../datasets/index.ts'
import { replayScenario, type ScenarioResult, type SeriesPoint } from '../../eval/index.ts'

const FOUR_ARMS = [
  'google/gemini-2.5-pro',
  'google/gemini-2.5-flash',
  'mistralai/mistral-large-2512',
  'meta-llama/llama-3.1-8b-instruct',
]
const RUNS = [
  { scenario: 'paretobandit-price-cut', budgetUsd: 6.6e-4, warmStart: ['train', 'val'] },
  { scenario: 'paretobandit-degradation', budgetUsd: 6.6e-4, warmStart: ['train', 'val'] },
  { scenario: 'paretobandit-outage', budgetUsd: 6.6e-4, warmStart: ['train', 'val'] },
  // Rows of train have no outcome of the arm that comes.
  { scenario: 'paretobandit-new-arm', budgetUsd: 1.9e-3, warmStart: ['val'], arms: FOUR_ARMS },
]
const WIDTH = 860
const COLOURS = { live: '#0a6', informed: '#555', control: '#bbb' } as const

const [folder, seeds = '20'] = process.argv.slice(2)
if (folder === undefined) throw new Error('give the folder of the dataset')
const dataset = await openDataset(folder)
print([
  'scenario',
  'from',
  'what happens',
  'reward',
  'nothing happened',
  'always so',
  'cost / budget',
  'λ',
  'recovered',
])
print(Array.from({ length: 9 }, () => '---'))
for (const { scenario, ...options } of RUNS) {
  const result = await replayScenario({
    ...options,
    dataset,
    policy: 'thompson',
    online: true,
    split: 'test',
    seeds: Number(seeds),
    scenario: await openScenario(scenario),
  })
  printRows(result)
  const name = scenario.replace(/^[^-]+/, 'scenario')
  await writeFile(join(import.meta.dirname, `${name}.svg`), draw(result))
}

function printRows({ scenario, stretches, policy }: ScenarioResult): void {
  for (const [index, stretch] of stretches.entries()) {
    const { fromStep, events, reward, control, informed, used, price, recoveredAfterSteps } = stretch
    print([
      index === 0 ? scenario.name.replace(/^[^-]+-/, '') : '',
      String(fromStep),
      events.join('; ').replaceAll(/\w+\//g, ''),
      `${reward.mean.toFixed(4)} ± ${((reward.hi - reward.lo) / 2).toFixed(4)}`,
      control.mean.toFixed(4),
      informed.mean.toFixed(4),
      used?.mean.toFixed(3) ?? '',
      price === undefined ? '' : `${price.least.toPrecision(2)} to ${price.most.toPrecision(2)}`,
      events.length === 0 ? '' : recoveryText(recoveredAfterSteps),
    ])
  }
  print(['', '', 'all', policy.reward.mean.toFixed(4), '', '', policy.used?.mean.toFixed(3) ?? '', '', ''])
}

function recoveryText(steps: number | null): string {
  if (steps === null) return 'no'
  return steps === 0 ? 'at once' : `after ${steps} requests`
}

function print(cells: readonly string[]): void {
  process.stdout.write(`| ${cells.join(' | ')} |\n`)
}

/** Three plots on top of each other, one SVG. */
function draw(result: ScenarioResult): string {
  const { document } = parseHTML('<html><body></body></html>')
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  let top = 0
  for (const plot of [rewards(result), shares(result), prices(result)]) {
    const part = Plot.plot({
      ...plot,
      document: document as unknown as NonNullable<Plot.PlotOptions['document']>,
      width: WIDTH,
      marginLeft: 60,
      marginRight: 110,
      style: { fontSize: '13px', background: 'white', color: '#222' },
    })
    part.setAttribute('y', String(top))
    top += plot.height
    svg.append(part)
  }
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  svg.setAttribute('width', String(WIDTH))
  svg.setAttribute('height', String(top))
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${top}`)
  return `${svg.outerHTML}\n`
}

type Part = Plot.PlotOptions & { readonly height: number }

function rewards({ series, stretches, n }: ScenarioResult): Part {
  const line = (
    kind: keyof typeof COLOURS,
    of: (point: SeriesPoint) => number,
    label: string,
  ): Plot.Markish[] => [
    Plot.line(series, { x: 'step', y: of, stroke: COLOURS[kind], strokeWidth: kind === 'live' ? 2.5 : 1.5 }),
    Plot.text(series.slice(-1), {
      x: 'step',
      y: of,
      text: () => label,
      dx: 8,
      dy: { live: 0, informed: -13, control: 13 }[kind],
      textAnchor: 'start',
      fill: COLOURS[kind],
      fontWeight: kind === 'live' ? 'bold' : 'normal',
    }),
  ]
  return {
    height: 230,
    marginTop: 34,
    x: { domain: [0, n], label: null, tickFormat: () => '' },
    y: { label: '↑ reward', grid: true, nice: true },
    marks: [
      ...eventMarks(stretches, true),
      ...line('control', (point) => point.control, 'no change'),
      ...line('informed', (point) => point.informed, 'always so'),
      ...line('live', (point) => point.reward, 'Highwayman'),
    ],
  }
}

function shares({ series, stretches, arms, n }: ScenarioResult): Part {
  const points = series.flatMap(({ step, armShares }) =>
    arms.map((arm) => ({ step, arm: arm.slice(arm.indexOf('/') + 1), share: armShares[arm] ?? 0 })),
  )
  const labels = [...Map.groupBy(points, ({ arm }) => arm).values()].flatMap((ofArm) => {
    const most = ofArm.reduce((best, point) => (point.share > best.share ? point : best))
    return most.share > 0.04 ? [most] : []
  })
  return {
    height: 190,
    x: { domain: [0, n], label: null, tickFormat: () => '' },
    y: { label: '↑ share of requests', percent: true, domain: [0, 110], ticks: 5, grid: true },
    color: { scheme: 'Tableau10' },
    marks: [
      ...eventMarks(stretches, false),
      Plot.line(points, { x: 'step', y: 'share', stroke: 'arm', strokeWidth: 2 }),
      Plot.text(labels, {
        x: 'step',
        y: 'share',
        text: 'arm',
        fill: 'arm',
        dy: -9,
        dx: 6,
        textAnchor: 'start',
        fontSize: 12,
        stroke: 'white',
        strokeWidth: 4,
      }),
    ],
  }
}

function prices({ series, stretches, policy: { budgetUsd = 1 }, n }: ScenarioResult): Part {
  let spentUsd = 0
  let requests = 0
  const paced = series.map((point, index) => {
    const from = index === 0 ? 0 : requests
    requests = 2 * point.step + 1 - from
    spentUsd += point.costUsd * (requests - from)
    return { step: point.step, used: spentUsd / (requests * budgetUsd), perUsd: point.perUsd }
  })
  return {
    height: 220,
    marginBottom: 40,
    x: { domain: [0, n], label: 'request →' },
    y: { label: '↑ λ, quality per USD', type: 'log', grid: true, ticks: 4, tickFormat: '~s' },
    marks: [
      ...eventMarks(stretches, false),
      Plot.line(paced, { x: 'step', y: 'perUsd', stroke: '#a50', strokeWidth: 2 }),
      Plot.text(
        paced.filter((_, index) => index % 6 === 5 && index < paced.length - 2),
        {
          x: 'step',
          y: 'perUsd',
          text: (point: { used: number }) => `${(100 * point.used).toFixed(0)} %`,
          dy: -14,
          fill: '#a50',
          stroke: 'white',
          strokeWidth: 4,
        },
      ),
      Plot.text(paced.slice(-1), {
        x: 'step',
        y: 'perUsd',
        text: (point: { used: number }) => `${(100 * point.used).toFixed(0)} % of the\nbudget spent`,
        dx: 8,
        textAnchor: 'start',
        fill: '#a50',
        fontSize: 12,
      }),
    ],
  }
}

function eventMarks(stretches: ScenarioResult['stretches'], titled: boolean): Plot.Markish[] {
  const events = stretches.slice(1)
  const rule = Plot.ruleX(events, { x: 'fromStep', stroke: '#c33', strokeDasharray: '3 3' })
  if (!titled) return [rule]
  const title = Plot.text(events, {
    x: 'fromStep',
    text: (stretch: { events: readonly string[] }) => stretch.events.join('; ').replaceAll(/\w+\//g, ''),
    frameAnchor: 'top',
    dy: -14,
    dx: 4,
    textAnchor: 'start',
    fill: '#c33',
  })
  return [rule, title]
}
