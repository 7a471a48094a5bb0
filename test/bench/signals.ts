/**
 * What looking at answers costs: requests per second through a gateway that reads signals off a tenth of its answers, or off
 * all of them, against one that reads none. Both run at once and take turns under load.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alternate, gatewayConfig, startChild } from './gateway.ts'
import type { BenchResult } from './report.ts'

const SHARES = [0.1, 1]

export async function benchSignals(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'highwayman-bench-'))
  const children: ChildProcess[] = []
  const serve = async (upstream: string, name: string, more: string): Promise<string> => {
    const config = join(folder, `${name}.yaml`)
    await writeFile(config, gatewayConfig(upstream, join(folder, name)) + more)
    return startChild(children, ['cli.ts', 'serve', '--config', config, '--port', '0', '--json'])
  }
  try {
    const upstream = await startChild(children, ['test/bench/upstream.ts'])
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
