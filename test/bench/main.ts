/**
 * `npm run bench [-- name …] [--json] [--table]`: speed, as numbers and as ratios to something measured in the same run.
 *
 *   decision   one decision and one update of the engine; with --table also over arms and dimensions
 *   propensities  the best-arm probabilities of a decision alone, and what each arm tells, over arms and ratios of sds
 *   describe   a request's text to facts: class, shares, coordinates of the text block
 *   replay     requests of a replay, online and frozen
 *   datasets   reading sets by format: speed, and memory that does not grow with the file; with --table of a gigabyte each
 *   replicas   reading what other replicas have learned, and what arms share fitted to it
 *   store      what the embedded store takes and costs, and how long a replica reads what it has learned (about five minutes)
 *   gateway    requests through the running gateway against a bare fastify + undici proxy, whole and streamed
 *   signals    the gateway with signals read off its answers against the gateway without
 *   eval       rows per second of each off-policy estimator, memory over growing logs, decisions per second of a replay
 *   promotion  giving a request its policy, with and without a canary, beside one decision
 *   experiments  assigning a unit to a variant, beside one decision's hash
 *   experiment-store  analysing ten million exposures in the embedded engine (some minutes)
 *   startup    what a command takes before it does anything, and a server until it listens, beside an empty Node
 *   store-size what a million decisions take on disk, by table, and how fast statistics are read; with --table also by codec
 */

import Table from 'cli-table3'
import { Command } from 'commander'
import { benchDatasets } from './datasets.ts'
import { benchDecision } from './decision.ts'
import { benchDescribe } from './describe.ts'
import { benchEval } from './eval.ts'
import { benchExperimentStore } from './experiment-store.ts'
import { benchExperiments } from './experiments.ts'
import { benchGateway } from './gateway.ts'
import { benchPromotion } from './promotion.ts'
import { benchPropensities } from './propensities.ts'
import { benchReplay } from './replay.ts'
import { benchReplicas } from './replicas.ts'
import { type BenchResult, machine } from './report.ts'
import { benchSignals } from './signals.ts'
import { benchStartup } from './startup.ts'
import { benchStore } from './store.ts'
import { benchStoreSize } from './store-size.ts'

const BENCHES: Readonly<
  Record<string, (options: { readonly table: boolean }) => Promise<BenchResult[]> | BenchResult[]>
> = {
  decision: benchDecision,
  propensities: benchPropensities,
  describe: benchDescribe,
  datasets: benchDatasets,
  replay: benchReplay,
  store: benchStore,
  eval: benchEval,
  promotion: benchPromotion,
  experiments: benchExperiments,
  'experiment-store': benchExperimentStore,
  gateway: benchGateway,
  replicas: benchReplicas,
  signals: benchSignals,
  startup: benchStartup,
  'store-size': benchStoreSize,
}

const program = new Command('bench')
  .description('Measures Highwayman on this machine.')
  .argument('[names...]', `benchmarks to run: ${Object.keys(BENCHES).join(', ')}`, Object.keys(BENCHES))
  .option('--json', 'print { machine, results } as JSON')
  .option('--table', 'also measure over a range of sizes')
  .action(
    async (names: readonly string[], options: { readonly json?: boolean; readonly table?: boolean }) => {
      const results: BenchResult[] = []
      for (const name of names) {
        const bench = BENCHES[name]
        if (bench === undefined) {
          process.stderr.write(`unknown benchmark "${name}"; known are ${Object.keys(BENCHES).join(', ')}\n`)
          process.exitCode = 2
          return
        }
        if (!options.json) process.stderr.write(`running ${name} …\n`)
        results.push(...(await bench({ table: options.table ?? false })))
      }
      process.stdout.write(
        options.json ? `${JSON.stringify({ machine: machine(), results }, null, 2)}\n` : render(results),
      )
    },
  )
await program.parseAsync()

function render(results: readonly BenchResult[]): string {
  const table = new Table({ head: ['benchmark', 'value', 'unit', 'ratios'], style: { head: [], border: [] } })
  for (const { name, value, unit, ratios } of results) {
    const shown = Object.entries(ratios ?? {}).map(([of, ratio]) => `${ratio.toFixed(2)} × ${of}`)
    table.push([name, value.toLocaleString('en', { maximumFractionDigits: 0 }), unit, shown.join(', ')])
  }
  const { cpu, cores, node, os } = machine()
  const methods = [
    ...new Set(results.map((result) => `${result.name.replace(/ \(.*/, '')}: ${result.method}`)),
  ]
  return `${table.toString()}\n${cpu}, ${cores} cores, Node ${node}, ${os}\n${methods.slice(0, 8).join('\n')}\n`
}
