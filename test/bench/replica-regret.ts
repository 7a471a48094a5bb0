/**
 * What learning apart and merging costs: the same prompts through one process, and through three over one store.
 *
 *   node test/bench/replica-regret.ts [prompts] [runs] [mergeEveryMs]
 *
 * Real `serve` processes, ClickHouse's HTTP interface, the simulated providers of `crossroads`, model `auto/best`. Regret is
 * the quality of a prompt's best arm less that of the answer. Each run starts from nothing with an order of its own, the
 * same for both; the interval of the difference is Student's over the runs.
 */
import { driveTraffic, openDataset, type PromptRow, type TrafficResult } from '../../datasets/index.ts'
import { DEFAULT_LEVEL, studentInterval } from '../../eval/index.ts'
import { seeded } from '../helpers/engine.ts'
import { startFleet } from '../helpers/replica-fleet.ts'

const REPLICAS = 3
/** Requests under way in all: the same load, however many processes share it. */
const CONCURRENCY = 6

const [prompts = 1_500, runs = 4, mergeEveryMs = 1_000] = process.argv.slice(2).map(Number)
const dataset = await openDataset('crossroads')
const rows: PromptRow[] = []
for await (const row of dataset.rows()) rows.push(row)

const rowOf = new Map(rows.map((row) => [row.promptId, row]))

const differences: number[] = []
for (let run = 1; run <= runs; run++) {
  const order = shuffled(run)
  const one = await regretOf(order, 1)
  const three = await regretOf(order, REPLICAS)
  differences.push(three.regret - one.regret)
  process.stdout.write(
    `run ${run}: regret ${one.regret.toFixed(4)} in one process, ${three.regret.toFixed(4)} in ${REPLICAS} ` +
      `(last half ${one.lastHalf.toFixed(4)}, ${three.lastHalf.toFixed(4)}; ${three.merges} merges of one while it lasted)\n`,
  )
}
const interval = studentInterval(differences, DEFAULT_LEVEL)
if (interval !== undefined) {
  const { mean, lo, hi } = interval
  process.stdout.write(
    `${prompts} prompts, merged every ${mergeEveryMs} ms: ${REPLICAS} processes less one, ${mean.toFixed(4)} [${lo.toFixed(4)}, ${hi.toFixed(4)}]\n`,
  )
}

function shuffled(seed: number): PromptRow[] {
  const uniform = seeded(seed)
  return Array.from({ length: prompts }, () => rows[Math.floor(uniform() * rows.length)] as PromptRow)
}

async function regretOf(
  order: readonly PromptRow[],
  replicas: number,
): Promise<{ regret: number; lastHalf: number; merges: number }> {
  const fleet = await startFleet({ dataset, replicas, mergeEveryMs, neverForget: false })
  try {
    const prompts = order.values()
    const regrets: number[] = []
    const onResult = ({ promptId, quality, error }: TrafficResult): void => {
      if (quality === undefined) throw new Error(`no answer: ${error}`)
      const outcomes = rowOf.get(promptId)?.outcomes.values() ?? []
      regrets.push(Math.max(...[...outcomes].map((outcome) => outcome.quality)) - quality)
    }
    // Who is free takes the next prompt, as behind a load balancer.
    const concurrency = CONCURRENCY / replicas
    await Promise.all(
      fleet.servers.map(({ url }) =>
        driveTraffic({ url, prompts, model: 'auto/best', concurrency, onResult }),
      ),
    )
    const metrics = await (await fetch(`${fleet.servers[0]?.url}/metrics`)).text()
    return {
      regret: meanOf(regrets),
      lastHalf: meanOf(regrets.slice(order.length / 2)),
      merges: Number(/^highwayman_merges (\d+)/m.exec(metrics)?.[1]) - 1,
    }
  } finally {
    await fleet.close()
  }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
