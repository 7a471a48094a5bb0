/**
 * Child process: a gateway whose store is the embedded one, or one that forgets everything. Tells its address, and, each time it is
 * asked, its event-loop delay and processor time since the last time.
 */
import { randomBytes } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { openStore } from '../../adapters/index.ts'
import { createIds, parseConfig, startServer } from '../../server/index.ts'
import { MemoryStore } from '../helpers/memory-store.ts'

export interface GatewayReport {
  readonly eventLoopP99Ms: number
  readonly cpuMs: number
}

class ForgetfulStore extends MemoryStore {
  override appendDecision(): void {}
  override appendAttempt(): void {}
  override appendObservations(): void {}
}

const [kind = '', dataDir = '', upstream = ''] = process.argv.slice(2)
const clock = { nowMs: () => Date.now() }
const registry = parseConfig(
  `providers:
  bench: { type: openai-compatible, baseUrl: ${upstream}/v1, apiKey: none }
arms:
${['a', 'b', 'c', 'd'].map((name, i) => `  bench/${name}: { price: { inputUsdPerMtok: ${i + 1}, outputUsdPerMtok: ${2 * i + 2} } }`).join('\n')}
`,
  { file: 'bench.yaml', env: {}, dataDir },
)
const store = kind === 'on' ? await openStore({ ...registry.store, replica: 'bench' }) : new ForgetfulStore()
const server = await startServer({ registry, store, clock, ids: createIds(clock, randomBytes), port: 0 })
const delay = monitorEventLoopDelay({ resolution: 2 })
delay.enable()
let cpu = process.cpuUsage()

process.on('message', (message: 'report' | 'stop') => {
  if (message === 'stop') return void stop()
  const { user, system } = process.cpuUsage(cpu)
  const report: GatewayReport = { eventLoopP99Ms: delay.percentile(99) / 1e6, cpuMs: (user + system) / 1_000 }
  cpu = process.cpuUsage()
  delay.reset()
  process.send?.(report)
})
process.send?.({ url: server.url })

async function stop(): Promise<void> {
  await server.close()
  await store.close()
  process.exit(0)
}
