/** Several `highwayman serve` processes over one ClickHouse, in front of simulated providers. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClickHouseStore, openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import { type Dataset, type Simulator, startSimulator } from '../../datasets/index.ts'
import {
  type Arm,
  type ArmId,
  CAPABILITIES,
  createFeatureSpace,
  createPolicyFile,
  createRouter,
  DEFAULT_CLASSES,
  type DecisionId,
  type FeatureSpace,
  type HeadCut,
  type HeadName,
  type Observation,
  writePolicyFile,
} from '../../engine/index.ts'
import { type ChildServer, startChildServer } from './child-server.ts'
import { startTestClickHouse, type TestClickHouse } from './clickhouse-http.ts'
import { NEVER_FORGET } from './store-rows.ts'

const PROVIDER_TYPES = { 'openai-compatible': 'openai-compatible', anthropic: 'anthropic', google: 'google' }

export interface FleetOptions {
  readonly dataset: Dataset
  readonly replicas: number
  readonly mergeEveryMs: number
  /** Keeps time out of what is believed, so that what was told at different moments can be compared. */
  readonly neverForget: boolean
  /** Of promotions. @default the configuration's */
  readonly followEveryMs?: number
}

export interface Fleet {
  readonly servers: readonly ChildServer[]
  readonly clickhouse: TestClickHouse
  readonly arms: readonly Arm[]
  readonly space: FeatureSpace
  /** All examples that are stored, of every replica. */
  stored(): Promise<Observation[]>
  /** The changes that replicas have noticed, the latest of each head: what came before is forgotten. */
  cuts(): Promise<HeadCut[]>
  /** Resolves when all that was answered so far is stored, and every replica has read it. */
  settled(): Promise<void>
  /** One more replica. */
  join(): Promise<ChildServer>
  close(): Promise<void>
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const folder = await mkdtemp(join(tmpdir(), 'highwayman-fleet-'))
  const simulator = await startSimulator({ dataset: options.dataset, latency: false })
  const clickhouse = await startTestClickHouse()
  const arms = simulator.arms.map(
    ({ routeId, price, prior }): Arm => ({
      id: routeId as ArmId,
      provider: providerOf(routeId),
      model: routeId.slice(routeId.indexOf('/') + 1),
      price,
      prior,
      capabilities: CAPABILITIES,
    }),
  )
  const space = createFeatureSpace({ classes: classesOf(simulator) })
  const database = 'fleet'
  const config = join(folder, 'highwayman.yaml')
  await writeFile(config, JSON.stringify(configOf(simulator, clickhouse, database, folder, options)))
  if (options.neverForget) await writeFile(join(folder, POLICY_FILE), policyFile(arms, space))
  const servers: ChildServer[] = []
  const start = async (): Promise<ChildServer> => {
    const server = await startChildServer(['--config', config])
    servers.push(server)
    return server
  }
  let reader: ClickHouseStore | undefined
  const open = async (): Promise<ClickHouseStore> => {
    reader ??= await openClickHouseStore({ kind: 'remote', url: clickhouse.url, database, replica: 'reader' })
    return reader
  }
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.kill('SIGTERM')))
    await reader?.close()
    await simulator.close()
    await clickhouse.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    for (let i = 0; i < options.replicas; i++) await start()
  } catch (error) {
    await close()
    throw error
  }
  return {
    servers,
    clickhouse,
    arms,
    space,
    stored: async () => readObservations(await open(), space),
    cuts: async () => readCuts(await open(), space),
    settled: async () => {
      await waitForStores(servers)
      await waitForMerges(servers)
    },
    join: start,
    close,
  }
}

const POLICY_FILE = 'never-forget.json'

function providerOf(armId: string): string {
  return armId.slice(0, armId.indexOf('/'))
}

function classesOf({ categories }: Simulator): string[] {
  return [...new Set([...DEFAULT_CLASSES, ...categories])]
}

/** JSON is YAML. */
function configOf(
  simulator: Simulator,
  clickhouse: TestClickHouse,
  database: string,
  folder: string,
  { mergeEveryMs, neverForget, followEveryMs }: FleetOptions,
): object {
  return {
    providers: Object.fromEntries(
      simulator.arms.map(({ routeId, dialect, baseUrl }) => [
        providerOf(routeId),
        { type: PROVIDER_TYPES[dialect], baseUrl, apiKey: 'simulated' },
      ]),
    ),
    arms: Object.fromEntries(
      simulator.arms.map(({ routeId, upstreamModel, price, prior }) => [
        routeId,
        { model: upstreamModel, price, prior, capabilities: CAPABILITIES },
      ]),
    ),
    classes: classesOf(simulator),
    // Else it is the working directory's: what a killed server of another test has left there would be brought in here.
    store: { url: clickhouse.url, database, spool: { dir: join(folder, 'spool') } },
    replicas: { mergeEveryMs },
    ...(followEveryMs !== undefined && { promotion: { followEveryMs } }),
    ...(neverForget && { coldStart: { file: POLICY_FILE } }),
  }
}

function policyFile(arms: readonly Arm[], space: FeatureSpace): string {
  return writePolicyFile(
    createPolicyFile(createRouter({ arms, featureSpace: space }), {
      policy: { name: 'thompson' },
      hyperparameters: { floor: 0.02, effectiveSamples: 2_000, halfLifeMs: NEVER_FORGET },
      provenance: { createdMs: 0, source: 'test', split: 'none', rows: 0 },
    }),
  )
}

async function readObservations(store: ClickHouseStore, space: FeatureSpace): Promise<Observation[]> {
  const rows = await store.queryRows(
    `SELECT toUnixTimestamp64Milli(ts) AS at_ms, decision_id, arm, heads, x, y, weight
     FROM observations WHERE feature_space = {space:String}`,
    { space: space.id },
  )
  return rows.flatMap((row) => {
    const x = Float64Array.from(row['x'] as number[])
    return (row['heads'] as HeadName[]).map((head, k) => ({
      decisionId: row['decision_id'] as DecisionId,
      atMs: Number(row['at_ms']),
      featureSpace: space.id,
      arm: row['arm'] as ArmId,
      head,
      x,
      y: (row['y'] as number[])[k]!,
      weight: Number(row['weight']),
    }))
  })
}

async function readCuts(store: ClickHouseStore, space: FeatureSpace): Promise<HeadCut[]> {
  const rows = await store.queryRows(
    `SELECT arm, head, toUnixTimestamp64Milli(max(since)) AS since_ms FROM forgotten
     WHERE feature_space = {space:String} GROUP BY arm, head`,
    { space: space.id },
  )
  return rows.map((row) => ({
    arm: row['arm'] as ArmId,
    head: row['head'] as HeadName,
    sinceMs: Number(row['since_ms']),
    announcedMs: 0,
  }))
}

async function metric(server: ChildServer, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  const line = text.split('\n').find((each) => each.startsWith(`${name} `) || each.startsWith(`${name}{`))
  if (line === undefined) throw new Error(`no metric ${name}`)
  return Number(line.slice(line.lastIndexOf(' ')))
}

/** Resolves when all that these servers have been told is in ClickHouse. */
export async function waitForStores(servers: readonly ChildServer[]): Promise<void> {
  for (const server of servers) {
    await waitUntil(
      async () => (await metric(server, 'highwayman_store_rows{state="queued"}')) === 0,
      'rows to be stored',
    )
  }
}

/** A merge that began after now has read everything that is stored now. */
async function waitForMerges(servers: readonly ChildServer[]): Promise<void> {
  for (const server of servers) {
    const before = await metric(server, 'highwayman_merges')
    await waitUntil(async () => (await metric(server, 'highwayman_merges')) >= before + 2, 'two merges')
  }
}

async function waitUntil(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = performance.now() + 60_000
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`waited 60 s for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
