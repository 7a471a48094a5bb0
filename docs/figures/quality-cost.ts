/**
 * Draws docs/figures/quality-cost.svg: on held-out prompts, the quality and the cost of the trained policy at a range of
 * exchange rates, beside every single arm, the uniform choice and the zero router; bars are 95 % bootstrap intervals.
 *
 *     node docs/figures/quality-cost.ts [dataset]      (default: crossroads, whose outcomes are simulated)
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import { openDataset } from '../../datasets/index.ts'
import { hullQuality, type Interval, replay } from '../../eval/index.ts'

const COST_WEIGHTS = [0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2]
const REQUESTS = 1_000

interface Point {
  readonly kind: 'policy' | 'single arm' | 'random'
  readonly label: string
  /** USD per 1,000 requests. */
  readonly cost: number
  readonly quality: number
  readonly lo: number
  readonly hi: number
}

const dataset = await openDataset(process.argv[2] ?? 'crossroads')
const runs = []
for (const costWeight of COST_WEIGHTS)
  runs.push(await replay({ dataset, policy: 'thompson', explore: false, costWeight }))
const [first] = runs
if (first === undefined) throw new Error('nothing was replayed')
const points: Point[] = runs.map((run) => point('policy', '', run.policy.costUsd, run.policy.quality))
for (const arm of first.arms) {
  const { policy } = await replay({ dataset, policy: `fixed:${arm}`, floor: 0 })
  points.push(point('single arm', arm.slice(arm.indexOf('/') + 1), policy.costUsd, policy.quality))
}
const { random } = first.baselines
if (random !== undefined) points.push(point('random', 'random', random.costUsd, random.quality))
// Mixing two arms is a straight line in cost, and so a curve on this axis.
const hull = first.curves['zeroRouter'] ?? []
const [cheapest, dearest] = [hull[0]?.costUsd ?? 0, hull.at(-1)?.costUsd ?? 0]
const zeroRouter = Array.from({ length: 200 }, (_, i) => {
  const costUsd = cheapest * (dearest / cheapest) ** (i / 199)
  return { cost: costUsd * REQUESTS, quality: hullQuality(hull, costUsd) }
})

const { document } = parseHTML('<html><body></body></html>')
const policy = points.filter(({ kind }) => kind === 'policy').sort((a, b) => a.cost - b.cost)
const others = points.filter(({ kind }) => kind !== 'policy')
const figure = Plot.plot({
  document: document as unknown as NonNullable<Plot.PlotOptions['document']>,
  width: 860,
  marginBottom: 52,
  marginTop: 30,
  height: 480,
  marginLeft: 60,
  marginRight: 70,
  insetLeft: 40,
  style: { fontSize: '13px', background: 'white', color: '#222' },
  x: {
    type: 'log',
    label: 'USD per 1,000 requests, log scale →',
    tickFormat: (cost: number) => `$${cost}`,
  },
  y: { label: '↑ mean quality', grid: true },
  marks: [
    Plot.line(zeroRouter, { x: 'cost', y: 'quality', stroke: '#999', strokeDasharray: '5 4' }),
    Plot.ruleX(others, { x: 'cost', y1: 'lo', y2: 'hi', stroke: '#777' }),
    Plot.dot(others, { x: 'cost', y: 'quality', r: 4, fill: '#777' }),
    Plot.text(others, {
      x: 'cost',
      y: 'quality',
      text: 'label',
      dy: 15,
      fill: '#444',
      stroke: 'white',
      strokeWidth: 4,
      fontSize: 12,
    }),
    Plot.ruleX(policy, { x: 'cost', y1: 'lo', y2: 'hi', stroke: '#0a6', strokeOpacity: 0.6 }),
    Plot.line(policy, { x: 'cost', y: 'quality', stroke: '#0a6', strokeWidth: 2.5 }),
    Plot.dot(policy, { x: 'cost', y: 'quality', r: 4, fill: '#0a6' }),
    Plot.text(policy.slice(-1), {
      x: 'cost',
      y: 'quality',
      text: () => 'Highwayman',
      dx: -46,
      dy: -8,
      fill: '#085',
      fontWeight: 'bold',
    }),
    Plot.text(zeroRouter.slice(120, 121), {
      x: 'cost',
      y: 'quality',
      text: () => 'best mixtures of single arms',
      dx: 95,
      dy: 6,
      fill: '#777',
      stroke: 'white',
      strokeWidth: 4,
    }),
  ],
})
figure.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
const path = join(import.meta.dirname, 'quality-cost.svg')
await writeFile(path, `${figure.outerHTML}\n`)
process.stdout.write(`${path}: ${dataset.name}, ${first.n} held-out prompts\n`)

function point(kind: Point['kind'], label: string, costUsd: Interval, quality: Interval): Point {
  return { kind, label, cost: costUsd.mean * REQUESTS, quality: quality.mean, lo: quality.lo, hi: quality.hi }
}
