/**
 * `node test/bench/calibration.ts [--orders 10]`: how often central 90 % intervals of what is believed of quality, latency and length
 * hold what was seen on held-out rows.
 */
import Table from 'cli-table3'
import { Command } from 'commander'
import {
  type Coverage,
  coverageOfMeans,
  coverageOfSingles,
  datasetExamples,
  latencyExamples,
} from '../helpers/calibration.ts'

/** Sets, and what their request classes are. */
const QUALITY = [
  ['mmlu-pro', 'category'],
  ['zeroeval', 'task'],
  ['routerbench-subset', 'task'],
  ['routellm', 'task'],
  ['paretobandit', 'task'],
] as const
/** Scores between right and wrong. */
const GRADED = [
  ['paretobandit', 'task'],
  ['alpaca-eval', 'category'],
] as const
const LENGTHS = [
  ['mmlu-pro', 'category'],
  ['zeroeval', 'task'],
  ['alpaca-eval', 'category'],
] as const
/** Rows to learn from: what is believed early, and late. */
const FEW = 1_000

await new Command('calibration')
  .description('Coverage of 90 % intervals on held-out rows.')
  .option('--orders <number>', 'orders of the rows to learn from', Number, 10)
  .action(async ({ orders }: { readonly orders: number }) => {
    const table = new Table({
      head: ['head', 'interval of', 'set', 'learnt from', 'intervals', 'covered', 'by arm'],
      style: { head: [], border: [], compact: true },
    })
    const add = (head: string, kind: string, set: string, rows: string, { n, covered, worst }: Coverage) => {
      const percent = (share: number) => `${(100 * share).toFixed(1)} %`
      table.push([head, kind, set, rows, n, percent(covered), worst?.map(percent).join(' … ') ?? ''])
    }
    for (const [set, classBy] of QUALITY) {
      for (const most of [FEW, Number.POSITIVE_INFINITY]) {
        const of = (seed: number) => datasetExamples(set, classBy, 'quality', seed, most)
        const each = await overOrders(orders, async (seed) => coverageOfMeans(await of(seed), 'quality'))
        add('quality', 'mean of a class', set, rowsOf(most), each)
        const unseen = await overOrders(orders, async (seed) =>
          coverageOfMeans(await of(seed), 'quality', 'never-learnt'),
        )
        if (unseen.n > 0) add('quality', 'mean of a class never learnt', set, rowsOf(most), unseen)
      }
    }
    for (const [set, classBy] of GRADED) {
      const of = (seed: number) => datasetExamples(set, classBy, 'quality', seed)
      const each = await overOrders(orders, async (seed) => coverageOfSingles(await of(seed), 'quality'))
      add('quality', 'a score', set, rowsOf(), each)
    }
    for (const [set, classBy] of LENGTHS) {
      const of = (seed: number) => datasetExamples(set, classBy, 'output_tokens', seed)
      const each = await overOrders(orders, async (seed) =>
        coverageOfSingles(await of(seed), 'output_tokens'),
      )
      add('output_tokens', 'an answer', set, rowsOf(), each)
    }
    for (const head of ['ttft', 'tpot'] as const) {
      add(
        head,
        'an answer',
        'latency-llmperf',
        'two of three',
        coverageOfSingles(latencyExamples(head), head),
      )
    }
    process.stdout.write(`${table.toString()}\n`)
  })
  .parseAsync()

/** Of all intervals of all orders; by arm, the extremes of any order. */
async function overOrders(orders: number, run: (seed: number) => Promise<Coverage>): Promise<Coverage> {
  const runs: Coverage[] = []
  for (let seed = 1; seed <= orders; seed++) runs.push(await run(seed))
  const n = runs.reduce((sum, each) => sum + each.n, 0)
  const worst = runs.flatMap((each) => each.worst ?? [])
  return {
    n,
    covered: runs.reduce((sum, each) => sum + (each.n > 0 ? each.n * each.covered : 0), 0) / n,
    worst: worst.length > 0 ? [Math.min(...worst), Math.max(...worst)] : undefined,
  }
}

function rowsOf(most = Number.POSITIVE_INFINITY): string {
  return most === Number.POSITIVE_INFINITY ? 'train' : `${most} of train`
}
