/** `highwayman simulate`: the providers that the gateway is tried with, by themselves. */
import type { Command } from 'commander'
import { DEFAULT_DATASET, number, whole } from './flags.ts'
import { action, EXIT, jsonOption, type Output, print } from './run.ts'
import { handleSignals, type StopSignal } from './signals.ts'

interface SimulateFlags extends Output {
  readonly dataset: string
  readonly host: string
  readonly port: number
  readonly seed: number
  readonly latencyScale: number
}

export function simulateCommand(command: Command): void {
  command
    .option('--dataset <name>', 'bundled name or folder', DEFAULT_DATASET)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on, 0 for any', whole(0, 65_535), 0)
    .option('--seed <number>', 'seed of all that is drawn', whole(0, 2 ** 31), 1)
    .option('--latency-scale <factor>', 'factor on all times, 0 for none', number(0, 1_000), 1)
    .addOption(jsonOption())
    .action(action(simulate))
}

async function simulate(flags: SimulateFlags): Promise<void> {
  const stop = Promise.withResolvers<StopSignal>()
  handleSignals({
    onStop(signal, count) {
      if (count > 1) process.exit(EXIT.failed)
      stop.resolve(signal)
    },
  })
  const { openDataset, startSimulator } = await import('../datasets/index.ts')
  const { host, port, seed, latencyScale } = flags
  const dataset = await openDataset(flags.dataset)
  const simulator = await startSimulator({ dataset, host, port, seed, latencyScale }).catch(
    async (error: unknown) => {
      const { listenError } = await import('../server/index.ts')
      throw listenError(error, host, port, { host: '--host', port: '--port' })
    },
  )
  if (flags.json) print({ url: simulator.url, ...simulator.state() })
  else {
    const arms = simulator.arms.map(
      (arm) => `  ${arm.id.padEnd(36)} ${arm.dialect.padEnd(18)} ${arm.baseUrl}  model ${arm.upstreamModel}`,
    )
    process.stdout.write(
      `simulating ${flags.dataset} on ${simulator.url}\n${arms.join('\n')}\n  faults: PUT ${simulator.url}/_simulator/faults/{arm} {"kind": "down"}; state: GET ${simulator.url}/_simulator/state\n`,
    )
  }
  await stop.promise
  await simulator.close()
}
