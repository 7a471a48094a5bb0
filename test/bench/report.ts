/** What a benchmark reports: DESIGN "bench" JSON, and the machine it ran on. */
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os'

export interface BenchResult {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** Value over that of something measured in the same run. */
  readonly ratios?: Readonly<Record<string, number>>
  /** One line: what was run, how often, what the value is (median of …). */
  readonly method: string
}

export function machine(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${platform()} ${release()} ${arch()}`,
    node: process.version,
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/**
 * Runs of `step` per second of this process's CPU time, so that what else the machine does counts as little as it can;
 * median of `rounds` rounds of about `roundMs` each, after one warm-up round.
 */
export function throughput(step: (i: number) => void, options = { rounds: 5, roundMs: 600 }): number {
  let i = 0
  const round = (): number => {
    const start = process.cpuUsage()
    const from = i
    let elapsed = 0
    while (elapsed < options.roundMs) {
      for (let k = 0; k < 50; k++) step(i++)
      const { user, system } = process.cpuUsage(start)
      elapsed = (user + system) / 1_000
    }
    return ((i - from) / elapsed) * 1_000
  }
  round()
  return median(Array.from({ length: options.rounds }, round))
}
