/**
 * What looking at answers costs. First the question whether anybody looks at an answer, which every answer pays: off, and on
 * for one that was not drawn, beside one decision's hash. Then requests per second through a gateway that reads signals off a
 * tenth of its answers, or off all of them, against one that reads none; both run at once and take turns under load.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Decision, type DecisionId, hash53 } from '../../engine/index.ts'
import type { Registry } from '../../server/index.ts'
import { Judges } from '../../server/judges/judges.ts'
import type { Task } from '../../server/pipeline/task.ts'
import { PLAIN_QUALITY } from '../../server/rewards/metric.ts'
import { Reviews } from '../../server/rewards/reviews.ts'
import { alternate, gatewayConfig, type RunningServer, startArguments, startChild } from './gateway.ts'
import { type BenchResult, throughput } from './report.ts'

const SHARES = [0.1, 1]

export async function benchSignals(): Promise<BenchResult[]> {
  return [...askedOfEveryAnswer(), ...(await underLoad())]
}

function askedOfEveryAnswer(): BenchResult[] {
  const none = () => {
    throw new Error('nobody is asked')
  }
  const reviews = new Reviews(none, new Judges(none))
  const decision = { id: '01890000-0000-7000-8000-000000000001' as DecisionId } as Decision
  const taskOf = (registry: Partial<Registry>) => ({ view: { registry }, surface: 'chat' }) as unknown as Task
  const off = taskOf({})
  const worths = new Map([['empty', 0]] as const)
  const on = taskOf({ signals: { metric: PLAIN_QUALITY, share: 0, passedWorth: 1, worths } })
  const hashed = throughput((i) => hash53(decision.id, String(i)))
  const method = 'Reviews.of for one answer, per second of CPU time, median of 5 rounds of 0.6 s'
  const result = (name: string, task: Task): BenchResult => {
    const value = throughput(() => reviews.of(task, decision))
    return {
      name,
      value,
      unit: 'answers/s',
      ratios: { oneHash: Number((value / hashed).toFixed(2)) },
      method,
    }
  }
  return [result('review (off)', off), result('review (on, not drawn)', on)]
}

async function underLoad(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'highwayman-bench-'))
  const children: ChildProcess[] = []
  const serve = async (upstream: string, name: string, more: string): Promise<RunningServer> => {
    const config = join(folder, `${name}.yaml`)
    await writeFile(config, gatewayConfig(upstream, join(folder, name)) + more)
    return startChild(children, [...startArguments(), '--config', config, '--port', '0', '--json'])
  }
  try {
    const upstream = (await startChild(children, ['test/bench/upstream.ts'])).url
    const off = await serve(upstream, 'off', '')
    const results: BenchResult[] = []
    for (const share of SHARES) {
      const signals = `signals: { share: ${share}, empty: true, refused: true, truncated: true, invalidJson: true, tryAgain: true }\n`
      const on = await serve(upstream, `share-${share}`, signals)
      const { rate, ratio } = await alternate(off, on, false)
      results.push({
        name: `signals (share ${share})`,
        value: rate,
        unit: 'requests/s',
        ratios: { signalsOff: ratio },
        method:
          'whole answers, two gateways with a store each, median of 5 pairs of 4 s, all processes on this machine',
      })
    }
    return results
  } finally {
    for (const child of children) child.kill('SIGTERM')
    await Promise.all(
      children.map((child) => child.exitCode ?? new Promise((done) => child.once('exit', done))),
    )
    await rm(folder, { recursive: true, force: true })
  }
}
