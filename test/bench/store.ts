/**
 * What the store costs and what it bears: decisions stored per second, memory over many of them, the engine's processor time for
 * each; what callers notice of it; how long a replica takes to read what 10⁸ observations have become.
 *
 * `HIGHWAYMAN_BENCH_DECISIONS` is how many decisions are written, by default a million.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import autocannon from 'autocannon'
import { openEmbedded } from '../../adapters/clickhouse/embedded.ts'
import { migrate, readMigrations } from '../../adapters/clickhouse/migrate.ts'
import { openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import type { FeatureSpaceId } from '../../engine/index.ts'
import { HALF_LIFE_MS } from '../helpers/store-rows.ts'
import { type BenchResult, median } from './report.ts'
import type { GatewayReport } from './store-gateway.ts'
import type { WriterReport } from './store-writer.ts'

const DECISIONS = Number(process.env['HIGHWAYMAN_BENCH_DECISIONS'] ?? 1_000_000)
/** Requests per second while latencies are compared: well below what the gateway can do, so that no queue is measured. */
const RATE = 400
const PAIRS = 3
const SECONDS = 8
const CLOCK_TICKS_PER_S = 100

export async function benchStore(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'highwayman-bench-store-'))
  try {
    return [
      ...(await writing(join(folder, 'writing'))),
      ...(await serving(join(folder, 'serving'))),
      ...(await loading(join(folder, 'loading'))),
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function writing(dataDir: string): Promise<BenchResult[]> {
  const child = startChild('store-writer.ts', dataDir, String(DECISIONS))
  const reports: WriterReport[] = []
  let engineMs = 0
  let engineRss = 0
  for await (const [report] of messages<WriterReport>(child)) {
    reports.push(report)
    const engine = processTimes(childrenOf(child.pid as number)[0])
    engineMs = engine?.cpuMs ?? engineMs
    engineRss = engine?.rssBytes ?? engineRss
    if (report.done) break
  }
  await once(child, 'exit')
  const last = reports.at(-1) as WriterReport
  if (last.droppedRows > 0) throw new Error(`${last.droppedRows} rows were dropped`)
  // The first tenth is for compilers and caches to settle.
  const settled = reports.find(({ decisions }) => decisions >= DECISIONS / 10) ?? last
  const method = `${DECISIONS} answered requests (decision, attempt, two observations; 4 arms, d = 25) as fast as the embedded store takes them`
  return [
    {
      name: 'store, sustained',
      value: (last.decisions / last.elapsedMs) * 1_000,
      unit: 'decisions/s',
      method,
    },
    {
      name: 'store, engine',
      value: (engineMs / last.decisions) * 1_000,
      unit: 'µs of CPU per decision',
      method,
    },
    {
      name: 'store, memory of the writer at the end',
      value: last.rssBytes / 2 ** 20,
      unit: 'MiB',
      ratios: { afterFirstTenth: round(last.rssBytes / settled.rssBytes) },
      method,
    },
    { name: 'store, memory of the engine at the end', value: engineRss / 2 ** 20, unit: 'MiB', method },
    { name: 'store, event-loop delay p99 while it writes', value: last.eventLoopP99Ms, unit: 'ms', method },
  ]
}

interface Side {
  readonly latencyP99Ms: number
  readonly eventLoopP99Ms: number
  readonly cpuMsPerRequest: number
}

/** The same traffic at the same pace with writes on and off, in turns. */
async function serving(folder: string): Promise<BenchResult[]> {
  const children: ChildProcess[] = []
  const start = async (script: string, ...args: string[]): Promise<{ child: ChildProcess; url: string }> => {
    const child = startChild(script, ...args)
    children.push(child)
    const [{ url }] = (await once(child, 'message')) as [{ url: string }]
    return { child, url }
  }
  try {
    const upstream = await startUpstream(children)
    const on = await start('store-gateway.ts', 'on', join(folder, 'on'), upstream)
    const off = await start('store-gateway.ts', 'off', join(folder, 'off'), upstream)
    const measure = async ({ child, url }: typeof on, seconds: number): Promise<Side> => {
      await report(child)
      const { latency, requests } = await load(url, seconds)
      const { eventLoopP99Ms, cpuMs } = await report(child)
      return { latencyP99Ms: latency.p99, eventLoopP99Ms, cpuMsPerRequest: cpuMs / requests.total }
    }
    await measure(on, SECONDS)
    await measure(off, SECONDS)
    const pairs: { on: Side; off: Side; directMs: number }[] = []
    for (let pair = 0; pair < PAIRS; pair += 1) {
      const { latency } = await load(upstream, SECONDS / 2)
      pairs.push({
        on: await measure(on, SECONDS),
        off: await measure(off, SECONDS),
        directMs: latency.p50,
      })
    }
    const method = `${RATE} requests/s on 16 connections, median of ${PAIRS} pairs of ${SECONDS} s, all processes on this machine`
    const compare = (
      name: string,
      unit: string,
      read: (pair: (typeof pairs)[number], side: Side) => number,
    ): BenchResult => ({
      name,
      value: median(pairs.map((pair) => read(pair, pair.on))),
      unit,
      ratios: {
        withoutWrites: round(median(pairs.map((pair) => read(pair, pair.on) / read(pair, pair.off)))),
      },
      method,
    })
    return [
      compare('store, latency added p99', 'ms', (pair, side) => side.latencyP99Ms - pair.directMs),
      compare('store, event-loop delay p99', 'ms', (_, side) => side.eventLoopP99Ms),
      compare('store, gateway CPU per request', 'ms', (_, side) => side.cpuMsPerRequest),
    ]
  } finally {
    for (const child of children) {
      if (child.connected) child.send('stop')
      else child.kill()
    }
    await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')))
  }
}

function load(url: string, seconds: number): Promise<autocannon.Result> {
  return autocannon({
    url: `${url}/v1/chat/completions`,
    method: 'POST',
    connections: 16,
    overallRate: RATE,
    duration: seconds,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'auto',
      messages: [{ role: 'user', content: 'Which of these two sorting algorithms is stable?' }],
    }),
  })
}

async function report(child: ChildProcess): Promise<GatewayReport> {
  const answered = once(child, 'message') as Promise<[GatewayReport]>
  child.send('report')
  return (await answered)[0]
}

/** A month of traffic: 8 arms, 3 replicas, d = 64, the buckets that the view and its roll-up leave of 10⁸ observations. */
const MONTH = { observations: 1e8, days: 30, arms: 8, replicas: 3, dimension: 64 }
const GROUPS = [
  { heads: ['quality'], dimension: MONTH.dimension, bucketS: 3_600 },
  { heads: ['ttft', 'tpot', 'output_tokens'], dimension: MONTH.dimension, bucketS: 300 },
  { heads: ['success'], dimension: 1, bucketS: 60 },
] as const
const SLOT_S = 21_600
const DAY_S = 86_400

async function loading(dataDir: string): Promise<BenchResult[]> {
  const bare = await openEmbedded(dataDir)
  let rows = 0
  try {
    await migrate(bare, await readMigrations())
    for (const group of GROUPS) rows += await simulateSums(bare.command, group)
  } finally {
    await bare.close(true)
  }
  const store = await openClickHouseStore({ kind: 'embedded', dataDir, replica: 'bench' })
  try {
    const [size] = await store.queryRows(
      "SELECT sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND table = 'posterior'",
    )
    const times: number[] = []
    let sums = 0
    for (let run = 0; run < 5; run += 1) {
      const startedMs = performance.now()
      sums = (
        await store.loadSums({
          featureSpace: 'bench' as FeatureSpaceId,
          nowMs: Date.now(),
          halfLifeMs: HALF_LIFE_MS,
        })
      ).length
      times.push(performance.now() - startedMs)
    }
    if (sums !== MONTH.arms * 5) throw new Error(`${sums} sums were read`)
    return [
      {
        name: 'store, load of the posterior of 10⁸ observations',
        value: median(times),
        unit: 'ms',
        method: `${rows} simulated buckets of 30 days (8 arms, 3 replicas, d = 64; ${(Number(size?.['bytes']) / 2 ** 20).toFixed(0)} MiB on disk), median of 5`,
      },
    ]
  } finally {
    await store.close()
  }
}

/** Puts sums straight into `posterior`: narrow buckets for the last day, six hours each before it. */
async function simulateSums(
  command: (sql: string) => Promise<void>,
  { heads, dimension, bucketS }: (typeof GROUPS)[number],
): Promise<number> {
  const nowS = Math.floor(Date.now() / 1_000 / SLOT_S) * SLOT_S
  const keys = MONTH.arms * MONTH.replicas
  const spans = [
    { buckets: DAY_S / bucketS, widthS: bucketS, fromS: nowS - DAY_S },
    { buckets: ((MONTH.days - 1) * DAY_S) / SLOT_S, widthS: SLOT_S, fromS: nowS - MONTH.days * DAY_S },
  ]
  const names = heads.map((head) => `'${head}'`).join(', ')
  const array = (length: number): string =>
    `arrayMap(i -> toFloat64(cityHash64(number, i) % 1000) / 7, range(${length}))`
  let rows = 0
  for (const { buckets, widthS, fromS } of spans) {
    const perBucket = (MONTH.observations / keys / MONTH.days / DAY_S) * widthS
    // Some at a time: a block of them is held in memory.
    const step = 2_000
    for (let from = 0; from < buckets * keys; from += step) {
      await command(
        `INSERT INTO posterior SELECT 'bench', [${names}], concat('arm/', toString(number % ${MONTH.arms})),
           concat('replica-', toString(intDiv(number, ${MONTH.arms}) % ${MONTH.replicas})),
           toDateTime(intDiv(toUnixTimestamp(at), ${SLOT_S}) * ${SLOT_S}, 'UTC'), at,
           ${Math.round(perBucket)}, ${perBucket},
           initializeAggregation('sumForEachState', ${array((dimension * (dimension + 1)) / 2)}),
           initializeAggregation('sumForEachState', ${array(dimension * heads.length)}),
           initializeAggregation('sumForEachState', ${array(heads.length)})
         FROM (SELECT number, toDateTime(${fromS} + intDiv(number, ${keys}) * ${widthS}, 'UTC') AS at
           FROM numbers(${from}, ${Math.min(step, buckets * keys - from)}))`,
      )
    }
    rows += buckets * keys
  }
  return rows
}

function startChild(script: string, ...args: string[]): ChildProcess {
  return fork(join(import.meta.dirname, script), args, { execArgv: [] })
}

async function startUpstream(children: ChildProcess[]): Promise<string> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'upstream.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [port] = await once(createInterface({ input: child.stdout }), 'line')
  return `http://127.0.0.1:${port}`
}

async function* messages<T>(child: ChildProcess): AsyncGenerator<[T]> {
  for (;;) {
    const message = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => undefined)])
    if (message === undefined) throw new Error('the process that writes has ended before it was done')
    yield message as [T]
  }
}

/** As Linux tells them; elsewhere there are none. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
  } catch {
    return []
  }
}

function processTimes(pid: number | undefined): { cpuMs: number; rssBytes: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
    return {
      cpuMs: ((Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_S) * 1_000,
      rssBytes: pages * 4_096,
    }
  } catch {
    return undefined
  }
}

function round(ratio: number): number {
  return Number(ratio.toFixed(3))
}
