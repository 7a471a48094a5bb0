/** A gateway on the simulator, with an embedded store, that serves the bundled prompts under a given policy. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../../adapters/index.ts'
import {
  type Dataset,
  driveTraffic,
  openDataset,
  type PromptRow,
  repeatRows,
  type Simulator,
  startSimulator,
} from '../../datasets/index.ts'
import type { LoggedDecision, PolicyFile, PolicySpec } from '../../engine/index.ts'
import { createIds, type Registry, registryFromSimulator, startServer } from '../../server/index.ts'

export interface Serving {
  readonly policy: PolicySpec
  readonly floor: number
  /** What the gateway believes from the start. */
  readonly file?: PolicyFile
  /** Whether answers are judged, and learned from. */
  readonly feedback: boolean
}

export interface Served {
  readonly requests: number
  /** Mean over the requests, and its standard error. */
  readonly quality: { readonly mean: number; readonly se: number }
  readonly costUsd: { readonly mean: number; readonly se: number }
  /** What the store has of it. */
  readonly log: readonly LoggedDecision[]
}

export class TrafficGround implements AsyncDisposable {
  readonly dataset: Dataset
  readonly registry: Registry
  readonly #simulator: Simulator
  readonly #prompts: readonly PromptRow[]

  private constructor(dataset: Dataset, simulator: Simulator, prompts: readonly PromptRow[]) {
    this.dataset = dataset
    this.#simulator = simulator
    this.#prompts = prompts
    this.registry = {
      ...registryFromSimulator(
        simulator.arms.map(({ contextWindowTokens, routeId, ...arm }) => ({
          ...arm,
          id: routeId,
          ...(contextWindowTokens !== undefined && { contextWindowTokens }),
        })),
      ),
      // As a policy file has them that was fitted on the set.
      classes: simulator.categories,
    }
  }

  static async open(): Promise<TrafficGround> {
    const dataset = await openDataset('crossroads')
    const simulator = await startSimulator({ dataset, latencyScale: 0 })
    return new TrafficGround(dataset, simulator, await collectAll(dataset.rows()))
  }

  /** The same prompts in the same order, whoever serves. Wishes are for quality alone. */
  async serve({ policy, floor, file, feedback }: Serving, requests: number): Promise<Served> {
    const home = await mkdtemp(join(tmpdir(), 'highwayman-traffic-'))
    const auto = this.registry.models.get('auto/best')
    if (auto === undefined) throw new Error('the simulator’s registry has no auto/best')
    const registry: Registry = {
      ...this.registry,
      models: new Map([['auto', { ...auto, name: 'auto', policy, floor }]]),
      ...(file !== undefined && { coldStart: { path: 'policy.json', policyFile: file } }),
      server: { ...this.registry.server, port: 0 },
    }
    // With a spool, as a gateway has one: feedback is acknowledged by the disk, and not by an insert.
    const spool = { directory: join(home, 'spool') }
    const store = await openStore({ kind: 'embedded', dataDir: home, replica: 'served', spool })
    try {
      const clock = { nowMs: () => Date.now() }
      const fromMs = clock.nowMs() - 1_000
      const server = await startServer({
        registry,
        store,
        clock,
        ids: createIds(clock, randomBytes),
        replica: 'served',
      })
      const prompts = repeatRows(this.#prompts, requests)
      const results = await driveTraffic({ url: server.url, prompts, feedback, concurrency: 32 }).finally(
        () => server.close(),
      )
      const failed = results.find(({ error }) => error !== undefined)
      if (failed !== undefined) throw new Error(`a request failed: ${failed.error}`)
      await store.flush()
      return {
        requests: results.length,
        quality: meanOf(results.map(({ quality }) => quality ?? Number.NaN)),
        costUsd: meanOf(results.map(({ costUsd }) => costUsd ?? Number.NaN)),
        log: feedback ? await collectAll(store.readLog({ fromMs, toMs: clock.nowMs() + 60_000 })) : [],
      }
    } finally {
      await store.close()
      await rm(home, { recursive: true, force: true })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#simulator.close()
  }
}

function meanOf(values: readonly number[]): { mean: number; se: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, se: Math.sqrt(squares / (values.length - 1) / values.length) }
}

async function collectAll<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
