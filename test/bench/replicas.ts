/**
 * What learning along costs: readings of a store with two months of the sums of three other replicas, eight arms and the
 * default half-lives. The sums are made up; ClickHouse, its rows and its queries are not.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type ClickHouseStore, openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import {
  createFeatureSpace,
  createRouter,
  DEFAULT_CLASSES,
  DEFAULT_HALF_LIFE_MS,
  type FeatureSpace,
} from '../../engine/index.ts'
import { arm } from '../helpers/engine.ts'
import { type BenchResult, median } from './report.ts'

const ARMS = 8
const REPLICAS = 3
const DAYS = 60
const READINGS = 9
const HOUR = 3_600
const SLOT = 6 * HOUR
const DAY = 24 * HOUR

interface Cost {
  readonly tookMs: number
  /** Of this process. */
  readonly cpuMs: number
  /** The longest that the event loop was late by. */
  readonly stallMs: number
}

export async function benchReplicas(): Promise<BenchResult[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'highwayman-replicas-'))
  const store = await openClickHouseStore({ kind: 'embedded', dataDir, replica: 'bench' })
  try {
    return await measure(store)
  } finally {
    await store.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function measure(store: ClickHouseStore): Promise<BenchResult[]> {
  const space = createFeatureSpace({ classes: DEFAULT_CLASSES })
  const nowSeconds = Math.floor(Date.now() / 1000 / SLOT) * SLOT
  await fillPast(store, space, nowSeconds)
  const arms = Array.from({ length: ARMS }, (_, i) => arm(`p/${i}`))
  const router = createRouter({
    arms,
    featureSpace: space,
    bucketMs: store.bucketMs(DEFAULT_HALF_LIFE_MS),
  })
  const feed = store.followSums({ featureSpace: space.id, halfLifeMs: DEFAULT_HALF_LIFE_MS })
  const read = async (): Promise<void> => {
    const reading = await feed.read(Date.now())
    router.replaceElsewhere({ ...reading, withHandedOver: false })
  }
  const first = await cost(read)
  const settle = async (): Promise<void> => {
    for (const _step of router.settling(Date.now())) await new Promise((resolve) => setImmediate(resolve))
  }
  const settling = await cost(settle)
  const unchanged: Cost[] = []
  const changed: Cost[] = []
  const settlingAgain: Cost[] = []
  for (let i = 0; i < READINGS; i++) {
    unchanged.push(await cost(read))
    await fill(store, space, { from: nowSeconds, to: nowSeconds + 300, width: 300 })
    changed.push(await cost(read))
    settlingAgain.push(await cost(settle))
  }
  const [size] = await store.queryRows(
    `SELECT sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND table = 'posterior'`,
  )
  const what = `${REPLICAS} replicas, ${ARMS} arms, ${DAYS} days, d = ${space.dimension}`
  return [
    result(
      'replicas: sums of all on disk',
      Number(size?.['bytes']) / 2 ** 20,
      'MiB',
      `${what}; ${size?.['rows']} rows`,
    ),
    ...told('first reading', [first], what),
    ...told('reading, nothing new', unchanged, `median of ${READINGS}`),
    ...told('reading, all arms have learned', changed, `median of ${READINGS}`),
    ...told('fitting what arms share, at first', [settling], 'sixty steps for each head at most'),
    ...told('fitting what arms share, again', settlingAgain, 'a turn of the event loop for each step'),
  ]
}

function told(name: string, costs: readonly Cost[], method: string): BenchResult[] {
  const of = (read: (cost: Cost) => number): number => median(costs.map(read))
  return [
    result(
      `replicas: ${name}`,
      of(({ tookMs }) => tookMs),
      'ms',
      method,
    ),
    result(
      `replicas: ${name}, processor time of the gateway`,
      of(({ cpuMs }) => cpuMs),
      'ms',
      method,
    ),
    result(
      `replicas: ${name}, longest stall`,
      of(({ stallMs }) => stallMs),
      'ms',
      method,
    ),
  ]
}

function result(name: string, value: number, unit: string, method: string): BenchResult {
  return { name, value, unit, method }
}

async function cost(run: () => Promise<void>): Promise<Cost> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const cpu = process.cpuUsage()
  const startedMs = performance.now()
  await run()
  const tookMs = performance.now() - startedMs
  const { user, system } = process.cpuUsage(cpu)
  delay.disable()
  return { tookMs, cpuMs: (user + system) / 1000, stallMs: delay.max / 1e6 }
}

/** Rolled up before yesterday, in buckets since. */
async function fillPast(store: ClickHouseStore, space: FeatureSpace, nowSeconds: number): Promise<void> {
  await fill(store, space, { from: nowSeconds - DAYS * DAY, to: nowSeconds - DAY, width: SLOT })
  await fill(store, space, { from: nowSeconds - DAY, to: nowSeconds + HOUR, width: undefined })
}

async function fill(
  store: ClickHouseStore,
  space: FeatureSpace,
  { from, to, width }: { from: number; to: number; width: number | undefined },
): Promise<void> {
  const groups = [
    { heads: ['quality'], d: space.dimension, bucket: HOUR },
    { heads: ['ttft', 'tpot', 'output_tokens'], d: space.servingDimension, bucket: 300 },
    { heads: ['success'], d: 1, bucket: 60 },
  ]
  for (const { heads, d, bucket } of groups) {
    // A diagonal that outweighs the rest, as sums of examples have it; all numbers differ, so that nothing compresses.
    const noise = '(cityHash64(i, rep, arm, t) % 1000000007) / 1000000007.'
    const A = `arrayMap(i -> if(sqrt(8 * i + 9) = floor(sqrt(8 * i + 9)), 100., 0.) + ${noise}, range(${(d * (d + 1)) / 2}))`
    const numbers = (length: number) => `arrayMap(i -> ${noise}, range(${length}))`
    await store.queryRows(
      `INSERT INTO posterior SELECT {space:String}, {heads:Array(String)}, concat('p/', toString(arm)), concat('other-', toString(rep), '~x'),
         toDateTime(intDiv(t, ${SLOT}) * ${SLOT}, 'UTC'), toDateTime(t, 'UTC'), 100, 100.,
         arrayReduce('sumForEachState', [${A}]), arrayReduce('sumForEachState', [${numbers(d * heads.length)}]),
         arrayReduce('sumForEachState', [${numbers(heads.length)}])
       FROM (SELECT number AS arm FROM numbers(${ARMS})) AS arms, (SELECT number AS rep FROM numbers(${REPLICAS})) AS replicas,
         (SELECT arrayJoin(range(${from}, ${to}, ${width ?? bucket})) AS t) AS times`,
      { space: space.id, heads },
    )
  }
}
