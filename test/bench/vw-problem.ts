/**
 * `node test/bench/vw-problem.ts [--seeds 3] [--json]`: our learners on the problem that Vowpal Wabbit was measured on, one
 * round after the other, beside Vowpal Wabbit's own numbers. Ours start from raw contexts in memory; VW's events/s include
 * reading text and were measured on another day, so that column is a rough comparison.
 */
import Table from 'cli-table3'
import { Command } from 'commander'
import {
  DIMENSION,
  type Learner,
  loadVwProblem,
  loadVwResults,
  REFERENCE,
  runVwProblem,
  type Variant,
} from '../helpers/vw-problem.ts'
import { machine } from './report.ts'

/** Of γ = 0.9999 a round. */
const HALF_LIFE_ROUNDS = Math.log(0.5) / Math.log(0.9999)

const LEARNERS: readonly (readonly [name: string, learner: Learner])[] = [
  ['thompson (default)', {}],
  ['thompson, exploration 0.5', { policy: { name: 'thompson', exploration: 0.5 } }],
  ['linucb, α = 2 (of σ̂)', { policy: { name: 'linucb' } }],
  ['linucb, width 0.1', { policy: { name: 'linucb', alpha: 0.1 }, ...REFERENCE }],
  ['linucb, width 0.25', { policy: { name: 'linucb', alpha: 0.25 }, ...REFERENCE }],
  ['linucb, width 1', { policy: { name: 'linucb', alpha: 1 }, ...REFERENCE }],
  ['squarecb, γ = 10√t', { policy: { name: 'squarecb' } }],
  ['information-directed', { policy: { name: 'information-directed' } }],
  ['epsilon-greedy 0.05', { policy: { name: 'epsilon-greedy', epsilon: 0.05 } }],
  ['softmax 0.05, prior mean 0.5', { policy: { name: 'softmax' }, prior: { mean: constantMean(0.5) } }],
  ['thompson, no watch', { drift: false }],
  ['thompson, no watch, forgetting', { halfLife: HALF_LIFE_ROUNDS, drift: false }],
  ['linucb, no watch, forgetting', { policy: { name: 'linucb' }, halfLife: HALF_LIFE_ROUNDS, drift: false }],
]

/** What is believed of an arm that was never tried: without a width, 0 would mean never to try it. */
function constantMean(mean: number): Float64Array {
  const coefficients = new Float64Array(DIMENSION)
  coefficients[DIMENSION - 1] = mean
  return coefficients
}

interface Row {
  readonly name: string
  readonly costs: Readonly<Record<Variant, readonly number[]>>
  readonly lastCosts: Readonly<Record<Variant, readonly number[]>>
  /** Best of all runs on the stationary problem. */
  readonly eventsPerSecond: number
}

function ourRows(seeds: number, onRow: (name: string) => void): Row[] {
  const problem = loadVwProblem()
  return LEARNERS.map(([name, learner]) => {
    onRow(name)
    const runs = (variant: Variant) =>
      Array.from({ length: seeds }, (_, seed) => runVwProblem(problem, variant, learner, seed + 1))
    const [stationary, drift] = [runs('stationary'), runs('drift')]
    return {
      name,
      costs: { stationary: stationary.map((run) => run.cost), drift: drift.map((run) => run.cost) },
      lastCosts: {
        stationary: stationary.map((run) => run.lastCost),
        drift: drift.map((run) => run.lastCost),
      },
      eventsPerSecond: Math.max(...stationary.map((run) => run.eventsPerSecond)),
    }
  })
}

function vwRows(): Row[] {
  const { vw } = loadVwResults()
  const names = [...new Set(vw.map(({ algorithm }) => algorithm))]
  return names.map((name) => {
    const of = (problem: Variant) =>
      vw.filter((entry) => entry.algorithm === name && entry.problem === problem)
    const costs = (problem: Variant) => of(problem).map((entry) => entry.progressive_average_cost)
    const lastCosts = (problem: Variant) => of(problem).map((entry) => entry.average_cost_last_10000)
    return {
      name: `vw ${name}`,
      costs: { stationary: costs('stationary'), drift: costs('drift') },
      lastCosts: { stationary: lastCosts('stationary'), drift: lastCosts('drift') },
      eventsPerSecond: Math.max(...of('stationary').map((entry) => entry.events_per_second_single_core)),
    }
  })
}

function render(rows: readonly Row[]): string {
  const table = new Table({
    head: ['policy', 'cost', 'last 10k', 'cost, drift', 'last 10k, drift', 'events/s'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
  })
  for (const { name, costs, lastCosts, eventsPerSecond } of rows) {
    table.push([
      name,
      shown(costs.stationary),
      shown(lastCosts.stationary),
      shown(costs.drift),
      shown(lastCosts.drift),
      Math.round(eventsPerSecond).toLocaleString('en'),
    ])
  }
  return `${table.toString()}\n`
}

/** Mean over seeds, and how far the seeds are from it where they differ. */
function shown(values: readonly number[]): string {
  if (values.length === 0) return ''
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const spread = Math.max(...values.map((value) => Math.abs(value - mean)))
  return spread < 5e-5 ? mean.toFixed(4) : `${mean.toFixed(4)} ± ${spread.toFixed(4)}`
}

await new Command('vw-problem')
  .description('Our learners on the synthetic problem that Vowpal Wabbit was measured on.')
  .option('--seeds <number>', 'runs of each learner', Number, 3)
  .option('--json', 'print { machine, rows } as JSON')
  .action(({ seeds, json }: { readonly seeds: number; readonly json?: boolean }) => {
    const rows = [...ourRows(seeds, (name) => process.stderr.write(`running ${name} …\n`)), ...vwRows()]
    process.stdout.write(json ? `${JSON.stringify({ machine: machine(), rows }, null, 2)}\n` : render(rows))
  })
  .parseAsync()
