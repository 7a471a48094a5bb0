/**
 * Off-policy evaluation: rows per second of each estimator and of the diagnostics, the memory that a log takes as it grows from
 * 10⁵ to 10⁷ rows, and decisions per second of a replay that learns.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openDataset } from '../../datasets/index.ts'
import {
  createEstimators,
  dr,
  ESTIMATOR_NAMES,
  type KeyedRow,
  PairedDifference,
  replay,
  StreamingBootstrap,
  snips,
  WeightDiagnostics,
} from '../../eval/index.ts'
import { madeUpRows } from '../helpers/off-policy.ts'
import { type BenchResult, median, throughput } from './report.ts'

/** Rows that are made beforehand and read round and round; a power of two. */
const ROWS = 4_096
const SIZES = [1e5, 1e6, 1e7]
/** Orders of the rows that a replay is timed by. */
const FURTHER_SEEDS = 40
/** `mle` keeps its rows, and is not for streams. */
const STREAMED = ESTIMATOR_NAMES.filter((name) => name !== 'mle')

export async function benchEval(): Promise<BenchResult[]> {
  const rows = madeUpRows(ROWS, 1)
  return [...estimators(rows), ...memory(rows), await replayed()]
}

function estimators(rows: readonly KeyedRow[]): BenchResult[] {
  const method = `median of 5 rounds of 0.6 s of CPU time, one core, over ${ROWS} rows round and round`
  const measure = (name: string, sums: { add(row: KeyedRow): void }): BenchResult => ({
    name: `eval ${name}`,
    value: throughput((i) => sums.add(rows[i & (ROWS - 1)]!)),
    unit: 'rows/s',
    method,
  })
  const difference = new PairedDifference(dr())
  const paired = { add: (target: KeyedRow) => difference.add({ target, incumbent: target }) }
  return [
    ...STREAMED.map((name) => measure(name, createEstimators({ names: [name], rewardBounds: [0, 1] }))),
    measure('paired difference (dr)', paired),
    measure('weight diagnostics', new WeightDiagnostics()),
    measure('bootstrap of snips, 100 resamples', new StreamingBootstrap(snips, { seed: 1, resamples: 100 })),
    measure('all but mle at once', createEstimators({ names: STREAMED, rewardBounds: [0, 1] })),
  ]
}

/** Heap after a collection, with the sums of all estimators and the diagnostics over logs of growing length. */
function memory(rows: readonly KeyedRow[]): BenchResult[] {
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  const kept: number[] = []
  for (const size of SIZES) {
    collect()
    const before = process.memoryUsage().heapUsed
    const sums = createEstimators({ names: STREAMED, rewardBounds: [0, 1] })
    const weights = new WeightDiagnostics()
    for (let i = 0; i < size; i++) {
      const row = rows[i & (ROWS - 1)]!
      sums.add(row)
      weights.add(row)
    }
    collect()
    kept.push(Math.max(process.memoryUsage().heapUsed - before, 0) / 1_024)
    // Read after the measurement, so that nothing of it could be collected before.
    if (weights.get()?.n !== size || sums.estimates().dr === undefined) throw new Error('rows were lost')
  }
  return SIZES.map((size, index) => ({
    name: `eval memory after ${size.toExponential()} rows`,
    value: kept[index]!,
    unit: 'KiB',
    ratios: { after1e5Rows: kept[index]! / Math.max(kept[0]!, 1) },
    method:
      'heap in use after a collection, beyond that before: all estimators but mle, and the weight diagnostics',
  }))
}

/** What one more pass over the bundled set costs, learning from each outcome: baselines and intervals are not in it. */
async function replayed(): Promise<BenchResult> {
  const dataset = await openDataset('crossroads')
  const pass = async (seeds: number) => {
    const start = process.cpuUsage()
    const { n } = await replay({ dataset, policy: 'thompson', online: true, seeds, resamples: 2 })
    const { user, system } = process.cpuUsage(start)
    return { n, seconds: (user + system) / 1e6 }
  }
  await pass(2)
  const rounds: number[] = []
  for (let round = 0; round < 3; round++) {
    const [few, many] = [await pass(2), await pass(2 + FURTHER_SEEDS)]
    rounds.push((FURTHER_SEEDS * few.n) / (many.seconds - few.seconds))
  }
  return {
    name: 'eval replay, online',
    value: median(rounds),
    unit: 'decisions/s',
    method:
      'thompson on crossroads, a decision and the outcome learned from; CPU time of 40 further seeds, median of 3',
  }
}
